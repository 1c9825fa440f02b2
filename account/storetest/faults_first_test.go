package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// firsts is a fault in a change that gives a first password, and in no other.
func firsts(fault func(*broken)) func(*broken) {
	return func(b *broken) {
		fault(b)
		wrong := b.change
		b.change = func(ctx context.Context, c account.Change) (string, error) {
			if c.First() {
				return wrong(ctx, c)
			}
			return b.Harness.ChangePassword(ctx, c)
		}
	}
}

// judging is a store that sees another account when it judges a first password.
func judging(see func(a *account.Account)) func(*broken) {
	return firsts(func(b *broken) {
		b.change = func(ctx context.Context, c account.Change) (string, error) {
			t, _ := b.token(c.Record)
			owner, err := b.Harness.ChangePassword(ctx, c)
			a, readErr := b.Harness.Account(ctx, t.AccountID)
			if see(&a); readErr == nil && errors.Is(err, account.ErrRefused) && t.Fits(a) == nil {
				b.overwrite(ctx, c, t.AccountID)
				return t.AccountID, nil
			}
			return owner, err
		}
	})
}

// swapping is a store that goes by another scope than the caller's.
func swapping(scope func(t account.TokenRecord) string) func(*broken) {
	return before(func(_ context.Context, b *broken, c *account.Change) {
		if t, ok := b.token(c.Record); ok && b.owner(c.Submission) == "" {
			c.Scope = scope(t)
		}
	})
}

// calling is a store that takes a first password for a change in the notice.
func calling(first bool) func(n *account.Notice) {
	return func(n *account.Notice) { n.First = first }
}

func firstFaults() []fault {
	return []fault{
		{"first/effects", "knows no first password", firsts(func(b *broken) {
			b.change = func(context.Context, account.Change) (string, error) { return "", account.ErrTokenUnknown }
		})},
		{"first/effects", "wants a form where there is none", firsts(func(b *broken) {
			b.change = func(context.Context, account.Change) (string, error) { return "", account.ErrHashForm }
		})},
		{"first/effects", "audits a change", auditing(func(e *account.Entry) bool {
			if e.Event == account.EventPasswordSet {
				e.Event = account.EventPasswordChanged
			}
			return true
		})},
		{"first/effects", "audits a change as a first password", auditing(func(e *account.Entry) bool {
			if e.Event == account.EventPasswordChanged {
				e.Event = account.EventPasswordSet
			}
			return true
		})},
		{"first/effects", "forgets the audit entry", auditing(without(account.EventPasswordSet))},
		{"first/effects", "tells of a change", noticing(func(_ context.Context, _ *broken, n *account.Notice) { calling(false)(n) })},
		{"first/effects", "tells of a first password always", noticing(func(_ context.Context, _ *broken, n *account.Notice) { calling(true)(n) })},
		{"first/effects", "lists a change", owing(func(ctx context.Context, b *broken, before time.Time, most int) ([]account.Notice, error) {
			all, err := b.Harness.Owed(ctx, before, most)
			for i := range all {
				calling(false)(&all[i])
			}
			return all, err
		})},
		{"first/effects", "forgets that it was the first when it tells", func(b *broken) {
			b.tell = func(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
				n, err := b.Harness.Tell(ctx, submission, what, address, at)
				calling(false)(&n)
				return n, err
			}
		}},
		{"first/effects", "forgets to kill other links", firsts(succeeding(func(ctx context.Context, b *broken, _ account.Change, owner string) {
			for _, t := range b.tokens(owner) {
				b.restore(ctx, t)
			}
		}))},
		{"first/effects", "forgets the sessions", keepsSessions},
		{"first/effects", "writes another field", firsts(succeeding(func(ctx context.Context, b *broken, _ account.Change, owner string) {
			b.update(ctx, owner, func(a *account.Account) { a.Notify = nil })
		}))},
		{"first/effects", "writes other accounts", firsts(succeeding(func(ctx context.Context, b *broken, c account.Change, _ string) {
			b.overwrite(ctx, c, "other0")
		}))},
		{"first/effects", "sets another hash", firsts(before(func(_ context.Context, _ *broken, c *account.Change) { c.Hash = "$argon2id$other" }))},
		{"first/effects", "takes no star", firsts(before(func(ctx context.Context, b *broken, c *account.Change) {
			t, _ := b.token(c.Record)
			if a, err := b.Harness.Account(ctx, t.AccountID); err == nil && a.Credential == "*LK*" {
				c.Record = account.RecordKey{}
			}
		}))},
		{"first/refused", "replaces a password", judging(func(a *account.Account) { a.Credential = "!r4nd0m" })},
		{"first/refused", "replaces the password of before", firsts(func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				owner, err := b.Harness.ChangePassword(ctx, c)
				if t, _ := b.token(c.Record); errors.Is(err, account.ErrHasPassword) && t.Credential == account.CredentialDigest("$argon2id$old") {
					b.overwrite(ctx, c, t.AccountID)
					return t.AccountID, nil
				}
				return owner, err
			}
		})},
		{"first/refused", "opens what is locked", firsts(func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				owner, err := b.Harness.ChangePassword(ctx, c)
				t, _ := b.token(c.Record)
				if a, _ := b.Harness.Account(ctx, t.AccountID); err != nil && a.Credential == "!$argon2id$old" {
					b.overwrite(ctx, c, t.AccountID)
					return t.AccountID, nil
				}
				return owner, err
			}
		})},
		{"first/refused", "ignores the address", judging(func(a *account.Account) { a.Address = a.ID + "@example.com" })},
		{"first/refused", "ignores that it is disabled", judging(func(a *account.Account) { a.Disabled = false })},
		{"first/refused", "ignores that it is not resettable", judging(func(a *account.Account) { a.Resettable = true })},
		{"first/refused", "gives no reason", refusing(func(context.Context, *broken, account.Change, error) error { return account.ErrRefused })},
		{"first/refused", "forgets the audit entry", auditing(without(account.EventChangeRefused))},
		{"first/purposes", "goes by the record alone", swapping(func(t account.TokenRecord) string { return t.Scope })},
		{"first/purposes", "takes a reset for an invitation", unknown(func(ctx context.Context, b *broken, c account.Change) (string, error) {
			if t, ok := b.token(c.Record); ok && c.First() && t.Scope == account.ScopePasswordReset {
				b.overwrite(ctx, c, t.AccountID)
				return t.AccountID, nil
			}
			return "", account.ErrTokenUnknown
		})},
		{"first/purposes", "takes any scope that both have", unknown(func(ctx context.Context, b *broken, c account.Change) (string, error) {
			if t, ok := b.token(c.Record); ok && c.Scope == t.Scope && b.owner(c.Submission) == "" {
				b.overwrite(ctx, c, t.AccountID)
				return t.AccountID, nil
			}
			return "", account.ErrTokenUnknown
		})},
		{"first/purposes", "audits a refusal", unknown(func(ctx context.Context, b *broken, c account.Change) (string, error) {
			t, _ := b.token(c.Record)
			_ = b.Record(ctx, account.Entry{At: c.At, Event: account.EventChangeRefused, AccountID: t.AccountID})
			return "", account.ErrTokenUnknown
		})},
		{"first/purposes", "burns what it does not take", unknown(func(ctx context.Context, b *broken, c account.Change) (string, error) {
			b.drop(ctx, c.Record)
			return "", account.ErrTokenUnknown
		})},
		{"first/purposes", "knows no reset by its name", func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				if c.Scope == account.ScopePasswordReset {
					return "", account.ErrTokenUnknown
				}
				return b.Harness.ChangePassword(ctx, c)
			}
		}},
	}
}

// firstPairFaults are those of hosts and ledgers.
func firstPairFaults() []pairFault {
	marking := func(verified bool) func(*brokenHost, *brokenLedger) {
		return inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			c.Verified = verified
			return b.Memory.Change(ctx, c)
		})
	}
	always := inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
		b.mu.Lock()
		b.verified[c.AccountID] = b.verified[c.AccountID] || c.Verified
		b.mu.Unlock()
		return b.Memory.Change(ctx, c)
	})
	plain := inLedger(func(b *brokenLedger) {
		b.finish = func(ctx context.Context, c account.Change, a account.Account) error {
			c.Scope = ""
			return b.Store.Finish(ctx, c, a)
		}
	})
	return []pairFault{
		{"host/first password", "marks no address", marking(false)},
		{"host/first password", "marks every address", marking(true)},
		{"host/first password", "marks the address of what it refuses", always},
		{"host/first password", "wants a password", inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			if a, err := b.Account(ctx, c.AccountID); err == nil && !a.HasPassword() {
				return account.ErrCredentialChanged
			}
			return b.Memory.Change(ctx, c)
		})},
		{"ledger/first password", "notes a change", plain},
		{"ledger/first password", "begins any", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				t, applied, err := b.Store.Begin(ctx, c)
				for _, scope := range []string{account.ScopeFirstPassword, ""} {
					if err != nil {
						c.Scope = scope
						t, applied, err = b.Store.Begin(ctx, c)
					}
				}
				return t, applied, err
			}
		})},
		{"ledger/first password", "begins again whatever it is", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				if begun, err := b.Store.Begun(ctx, c.Run); err == nil && len(begun) > 0 {
					c.Scope = begun[0].Change.Scope
				}
				return b.Store.Begin(ctx, c)
			}
		})},
		{"pair/first password, lost, then repeated", "the ledger notes a change", plain},
		{"pair/first password, lost, then ended", "the ledger forgets the scope", inLedger(func(b *brokenLedger) {
			b.begun = func(ctx context.Context, run string) ([]account.Begun, error) {
				all, err := b.Store.Begun(ctx, run)
				for i := range all {
					all[i].Change.Scope = ""
				}
				return all, err
			}
		})},
		{"pair/first password, moved in between", "the host marks every address", marking(true)},
	}
}
