package storetest

import (
	"context"

	"github.com/rekeyhq/rekey/account"
)

// finishing is a fault in the note of a submission that changes no password.
func finishing(how func(ctx context.Context, b *brokenLedger, c account.Change, a account.Account) error) func(*brokenHost, *brokenLedger) {
	return inLedger(func(b *brokenLedger) {
		b.finish = func(ctx context.Context, c account.Change, a account.Account) error { return how(ctx, b, c, a) }
	})
}

func useFaults() []pairFault {
	return []pairFault{
		{"ledger/use", "takes it for a password", finishing(func(ctx context.Context, b *brokenLedger, c account.Change, a account.Account) error {
			c.Scope = ""
			return b.Store.Finish(ctx, c, a)
		})},
		{"ledger/use", "ends all links", finishing(func(ctx context.Context, b *brokenLedger, c account.Change, a account.Account) error {
			_, _ = b.Store.Forget(ctx, a.ID, account.Entry{At: noon})
			return b.Store.Finish(ctx, c, a)
		})},
		{"ledger/use", "looks at no scope", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				t, applied, err := b.Store.Begin(ctx, c)
				if err != nil && c.Scope == "" {
					c.Scope = own
					return b.Store.Begin(ctx, c)
				}
				return t, applied, err
			}
		})},
		{"ledger/lost use", "has a scope of passwords", inLedger(func(b *brokenLedger) {
			b.begun = func(ctx context.Context, run string) ([]account.Begun, error) {
				all, err := b.Store.Begun(ctx, run)
				for i := range all {
					all[i].Token.Scope = account.ScopePasswordReset
				}
				return all, err
			}
		})},
		{"pair/use, then repeated", "the ledger notes nothing", finishing(func(context.Context, *brokenLedger, account.Change, account.Account) error { return nil })},
		{"pair/use refused", "the ledger forgets the end", inLedger(func(b *brokenLedger) {
			b.begin = func(ctx context.Context, c account.Change) (account.TokenRecord, bool, error) {
				t, applied, err := b.Store.Begin(ctx, c)
				if begun, _ := b.Store.Begun(ctx, c.Run); err != nil && len(begun) > 0 {
					return begun[0].Token, false, nil
				}
				return t, applied, err
			}
		})},
	}
}
