package storetest

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/rekeyhq/rekey/account"
)

// blocking is a fault in the side effects of a block that succeeds. Was is the account before it.
func blocking(do func(ctx context.Context, b *broken, blk account.Block, was account.Account)) func(*broken) {
	return func(b *broken) {
		b.block = func(ctx context.Context, blk account.Block) error {
			was, _ := b.Harness.Account(ctx, blk.AccountID)
			err := b.Harness.Block(ctx, blk)
			if err == nil {
				do(ctx, b, blk, was)
			}
			return err
		}
	}
}

// blockingAgain is a fault in a block that is repeated.
func blockingAgain(do func(ctx context.Context, b *broken, blk account.Block, was account.Account)) func(*broken) {
	return blocking(func(ctx context.Context, b *broken, blk account.Block, was account.Account) {
		if hash, _ := blk.Hash(was.Credential); hash == was.Credential {
			do(ctx, b, blk, was)
		}
	})
}

// misblocking is a fault in the input of a block.
func misblocking(do func(ctx context.Context, b *broken, blk *account.Block)) func(*broken) {
	return func(b *broken) {
		b.block = func(ctx context.Context, blk account.Block) error {
			do(ctx, b, &blk)
			return b.Harness.Block(ctx, blk)
		}
	}
}

// unblocked is a fault in a store that refuses a block.
func unblocked(do func(ctx context.Context, b *broken, blk account.Block, err error) error) func(*broken) {
	return func(b *broken) {
		b.block = func(ctx context.Context, blk account.Block) error {
			err := b.Harness.Block(ctx, blk)
			if err != nil {
				err = do(ctx, b, blk, err)
			}
			return err
		}
	}
}

// as makes an account such as a careless store takes it for, and back again.
func as(change func(*account.Account)) func(*broken) {
	return func(b *broken) {
		b.block = func(ctx context.Context, blk account.Block) error {
			was, _ := b.Harness.Account(ctx, blk.AccountID)
			b.update(ctx, blk.AccountID, change)
			err := b.Harness.Block(ctx, blk)
			b.update(ctx, blk.AccountID, func(a *account.Account) {
				hash := a.Credential
				*a = was
				if err == nil {
					a.Credential = hash
				}
			})
			return err
		}
	}
}

func blockFaults() []fault {
	keepsLinks := func(ctx context.Context, b *broken, blk account.Block, _ account.Account) {
		for _, t := range b.tokens(blk.AccountID) {
			b.restore(ctx, t)
		}
	}
	killsLinks := func(ctx context.Context, b *broken, _ account.Block, _ account.Account) {
		for _, t := range b.tokens("") {
			b.drop(ctx, t.Key)
		}
	}
	endsSessions := func(_ context.Context, b *broken, _ account.Block, _ account.Account) {
		b.endSessions(maps.Clone(b.sessions))
	}
	return []fault{
		{"block/effects", "blocks nothing", func(b *broken) { b.block = func(context.Context, account.Block) error { return nil } }},
		{"block/effects", "keeps the hash", blocking(func(ctx context.Context, b *broken, _ account.Block, was account.Account) {
			b.update(ctx, was.ID, func(a *account.Account) { a.Credential = was.Credential })
		})},
		{"block/effects", "deletes the hash", blocking(func(ctx context.Context, b *broken, _ account.Block, was account.Account) {
			b.update(ctx, was.ID, func(a *account.Account) { a.Credential = "" })
		})},
		{"block/effects", "gives another hash than the stored one", misblocking(func(_ context.Context, _ *broken, blk *account.Block) {
			hash := blk.Hash
			blk.Hash = func(string) (string, error) { return hash("") }
		})},
		{"block/effects", "forgets the sessions", keepsSessions},
		{"block/effects", "only suspends the sessions", suspendsSessions},
		{"block/effects", "ends everybody's sessions", blocking(endsSessions)},
		{"block/effects", "forgets the links", blocking(keepsLinks)},
		{"block/effects", "kills everybody's links", blocking(killsLinks)},
		{"block/effects", "writes another field", blocking(func(ctx context.Context, b *broken, _ account.Block, was account.Account) {
			b.update(ctx, was.ID, func(a *account.Account) { a.Disabled = true })
		})},
		{"block/effects", "blocks another account", blocking(func(ctx context.Context, b *broken, _ account.Block, _ account.Account) {
			b.update(ctx, "anna", func(a *account.Account) { a.Credential = "$argon2id$blocked" })
		})},
		{"block/effects", "forgets the audit entry", auditing(without(account.EventPasswordBlocked))},
		{"block/effects", "does not say who", misblocking(func(_ context.Context, _ *broken, blk *account.Block) { blk.Operator = "" })},
		{"block/effects", "does not say why", misblocking(func(_ context.Context, _ *broken, blk *account.Block) { blk.Reason = "" })},
		{"block/effects", "owes a notice", blocking(func(_ context.Context, b *broken, blk account.Block, was account.Account) {
			owed := account.Notice{Run: blk.Run, AccountID: was.ID, Debt: account.NewDebt(was, account.Change{})}
			b.notice = func(context.Context, string, string) (account.Notice, error) { return owed, nil }
		})},
		{"block/again", "refuses a repetition", blockingTwice(func(context.Context, *broken, account.Block) error { return account.ErrCredentialChanged })},
		{"block/again", "keeps sessions of now", blockingTwice(func(context.Context, *broken, account.Block) error { return nil })},
		{"block/again", "kills the links of the run", blockingAgain(killsLinks)},
		{"block/again", "audits it time and again", blockingAgain(func(ctx context.Context, b *broken, blk account.Block, _ account.Account) {
			for range 2 {
				_ = b.Record(ctx, blk.Entry())
			}
		})},
		{"block/another run", "takes it for a repetition", blockingTwice(func(context.Context, *broken, account.Block) error { return nil })},
		{"block/another run", "keeps the links of the first", func(b *broken) {
			b.block = func(ctx context.Context, blk account.Block) error {
				err := b.Harness.Block(ctx, blk)
				b.revive(ctx, blk.AccountID)
				return err
			}
		}},
		{"block/closed", "leaves closed accounts out", func(b *broken) {
			b.block = func(ctx context.Context, blk account.Block) error {
				if a, err := b.Harness.Account(ctx, blk.AccountID); err == nil && a.Disabled {
					return account.ErrNotResettable
				}
				return b.Harness.Block(ctx, blk)
			}
		}},
		{"block/closed", "opens the account", blocking(func(ctx context.Context, b *broken, _ account.Block, was account.Account) {
			b.update(ctx, was.ID, func(a *account.Account) { a.Disabled = false })
		})},
		{"block/refused", "ignores that it is not resettable", as(func(a *account.Account) { a.Resettable = true })},
		{"block/refused", "gives a password", as(func(a *account.Account) {
			if !a.HasPassword() {
				a.Credential = "$argon2id$none"
			}
		})},
		{"block/refused", "compares no forms", unblocked(func(ctx context.Context, b *broken, blk account.Block, err error) error {
			if errors.Is(err, account.ErrHashForm) {
				hash, _ := blk.Hash("")
				b.update(ctx, blk.AccountID, func(a *account.Account) { a.Credential = hash })
				return nil
			}
			return err
		})},
		{"block/refused", "blocks what is gone", unblocked(func(_ context.Context, _ *broken, _ account.Block, err error) error {
			if errors.Is(err, account.ErrAccountGone) {
				return nil
			}
			return err
		})},
		{"block/refused", "hides the error of the hash", unblocked(func(_ context.Context, _ *broken, _ account.Block, err error) error {
			if errors.Is(err, errNoHash) {
				return errors.New("a fault")
			}
			return err
		})},
		{"block/refused", "ends the sessions first", unblocked(func(_ context.Context, b *broken, _ account.Block, err error) error {
			b.endSessions(maps.Clone(b.sessions))
			return err
		})},
		{"block/refused", "kills the links first", unblocked(func(ctx context.Context, b *broken, blk account.Block, err error) error {
			for _, t := range b.tokens(blk.AccountID) {
				b.drop(ctx, t.Key)
			}
			return err
		})},
		{"block/refused", "audits what it did not do", unblocked(func(ctx context.Context, b *broken, blk account.Block, err error) error {
			_ = b.Record(ctx, blk.Entry())
			return err
		})},
		{"block/races", "forgets the sessions", keepsSessions},
		{"block/races", "lets a change win", func(b *broken) {
			var all sync.Map
			blocked := func(id string) chan struct{} {
				done, _ := all.LoadOrStore(id, make(chan struct{}, racers))
				return done.(chan struct{})
			}
			b.block = func(ctx context.Context, blk account.Block) error {
				defer func() { blocked(blk.AccountID) <- struct{}{} }()
				return b.Harness.Block(ctx, blk)
			}
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				t, _ := b.token(c.Record)
				for range blockers {
					<-blocked(t.AccountID)
				}
				b.overwrite(ctx, c, t.AccountID)
				return t.AccountID, nil
			}
		}},
		{"context/canceled", "blocks on", func(b *broken) {
			b.block = func(ctx context.Context, blk account.Block) error {
				return b.Harness.Block(context.WithoutCancel(ctx), blk)
			}
		}},
		{"context/canceled", "lists on", func(b *broken) {
			b.list = func(ctx context.Context, after string, limit int) ([]account.Account, error) {
				return b.Harness.(account.Lister).Accounts(context.WithoutCancel(ctx), after, limit)
			}
		}},
	}
}

// blockingTwice answers each block of an account but the first.
func blockingTwice(answer func(ctx context.Context, b *broken, blk account.Block) error) func(*broken) {
	return func(b *broken) {
		done := false
		b.block = func(ctx context.Context, blk account.Block) error {
			if done {
				return answer(ctx, b, blk)
			}
			done = true
			return b.Harness.Block(ctx, blk)
		}
	}
}

func blockPairFaults() []pairFault {
	return []pairFault{
		{"host/the same", "ends no session", inHost(func(ctx context.Context, b *brokenHost, c account.HostChange) error {
			if a, err := b.Account(ctx, c.AccountID); err == nil && a.Credential == c.New {
				return nil
			}
			return b.Memory.Change(ctx, c)
		})},
		{"host/the same", "refuses it", inHost(refusesAgain)},
		{"ledger/block", "notes nothing", inLedger(func(b *brokenLedger) {
			b.block = func(context.Context, account.Block, string) error { return nil }
		})},
		{"ledger/block", "keeps links", inLedger(func(b *brokenLedger) {
			b.block = func(ctx context.Context, blk account.Block, _ string) error { return b.Record(ctx, blk.Entry()) }
		})},
		{"ledger/block", "kills the links of the run", inLedger(func(b *brokenLedger) {
			b.block = func(ctx context.Context, blk account.Block, _ string) error { return b.Store.Blocked(ctx, blk, "") }
		})},
		{"pair/block, lost", "the host refuses a repetition", inHost(refusesAgain)},
		{"pair/block, lost", "the ledger notes nothing", inLedger(func(b *brokenLedger) {
			b.block = func(context.Context, account.Block, string) error { return nil }
		})},
		{"pair/block, changed in between", "the host compares nothing", inHost(comparesNothing)},
	}
}
