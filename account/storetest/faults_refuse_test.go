package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rekeyhq/rekey/account"
)

// reissuing is a fault that forgets a part of the record.
func reissuing(change func(t *account.TokenRecord, a account.Account)) func(*broken) {
	return before(func(ctx context.Context, b *broken, c *account.Change) {
		t, ok := b.token(c.Record)
		if a, err := b.Harness.Account(ctx, t.AccountID); ok && err == nil {
			change(&t, a)
			b.restore(ctx, t)
		}
	})
}

// ignoring is a fault that does not see a part of the account.
func ignoring(change func(a *account.Account)) func(*broken) {
	return before(func(ctx context.Context, b *broken, c *account.Change) {
		if t, ok := b.token(c.Record); ok {
			b.update(ctx, t.AccountID, change)
		}
	})
}

// refusing is a fault in a store that refuses a change.
func refusing(do func(ctx context.Context, b *broken, c account.Change, err error) error) func(*broken) {
	return after(func(ctx context.Context, b *broken, c account.Change, owner string, err error) (string, error) {
		if errors.Is(err, account.ErrRefused) {
			err = do(ctx, b, c, err)
		}
		return owner, err
	})
}

func refusalFaults() []fault {
	return []fault{
		{"change/refused", "ignores the credential", reissuing(func(t *account.TokenRecord, a account.Account) {
			t.Credential = account.CredentialDigest(a.Credential)
		})},
		{"change/refused", "ignores the address", reissuing(func(t *account.TokenRecord, a account.Account) { t.Address = a.Address })},
		{"change/refused", "ignores that it is disabled", ignoring(func(a *account.Account) { a.Disabled = false })},
		{"change/refused", "ignores that it is not resettable", ignoring(func(a *account.Account) { a.Resettable = true })},
		{"change/refused", "takes empty for a password", givesPassword("")},
		{"change/refused", "takes Django's marker for a password", givesPassword("!r4nd0m")},
		{"change/refused", "takes a star for a password", givesPassword("*LK*")},
		{"change/form", "compares no forms", before(func(_ context.Context, _ *broken, c *account.Change) { c.Upgrade = true })},
		{"change/form", "knows no upgrade", before(func(_ context.Context, _ *broken, c *account.Change) { c.Upgrade = false })},
		{"change/refused", "changes what is gone", refusing(func(_ context.Context, _ *broken, _ account.Change, err error) error {
			if errors.Is(err, account.ErrAccountGone) {
				return nil
			}
			return err
		})},
		{"change/refused", "forgets the audit entry", auditing(without(account.EventChangeRefused))},
		{"change/refused", "audits no reason", auditing(func(e *account.Entry) bool { e.Detail = ""; return true })},
		{"change/refused", "audits another reason", auditing(func(e *account.Entry) bool { e.Detail = "refused"; return true })},
		{"change/refused", "audits the first refusal only", func(b *broken) {
			b.audit = func(ctx context.Context, id string) ([]account.Entry, error) {
				all, err := b.Harness.Audit(ctx, id)
				return slices.Compact(all), err
			}
		}},
		{"change/refused", "audits the hash", auditing(func(e *account.Entry) bool { e.Detail += "$argon2id$"; return true })},
		{"change/refused", "gives no reason", refusing(func(context.Context, *broken, account.Change, error) error {
			return account.ErrRefused
		})},
		{"change/refused", "tells the address", refusing(func(_ context.Context, b *broken, c account.Change, err error) error {
			t, _ := b.token(c.Record)
			return fmt.Errorf("%s: %w", t.Address, err)
		})},
		{"change/refused", "burns the link", refusing(func(ctx context.Context, b *broken, c account.Change, err error) error {
			b.drop(ctx, c.Record)
			return err
		})},
		{"change/refused", "changes the password anyway", refusing(func(ctx context.Context, b *broken, c account.Change, err error) error {
			t, _ := b.token(c.Record)
			b.overwrite(ctx, c, t.AccountID)
			return err
		})},
		{"change/spelling", "compares bytes", func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				t, _ := b.token(c.Record)
				if a, err := b.Harness.Account(ctx, t.AccountID); err == nil && a.Address != t.Address {
					return "", account.ErrAddressChanged
				}
				return b.Harness.ChangePassword(ctx, c)
			}
		}},
		{"sessions/stale", "takes the credential of now", func(b *broken) {
			b.sign = func(ctx context.Context, id, _ string) (string, error) {
				a, err := b.Harness.Account(ctx, id)
				if err != nil {
					return "", err
				}
				return b.Harness.NewSession(ctx, id, a.Credential)
			}
		}},
	}
}

// givesPassword is a store that takes a credential that is no password for one: same digest
// at issue and now.
func givesPassword(none string) func(*broken) {
	return func(b *broken) {
		b.change = func(ctx context.Context, c account.Change) (string, error) {
			t, _ := b.token(c.Record)
			owner, err := b.Harness.ChangePassword(ctx, c)
			a, _ := b.Harness.Account(ctx, t.AccountID)
			if errors.Is(err, account.ErrNotResettable) && a.Credential == none && t.Credential == account.CredentialDigest(none) {
				b.overwrite(ctx, c, t.AccountID)
				return t.AccountID, nil
			}
			return owner, err
		}
	}
}
