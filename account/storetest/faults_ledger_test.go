package storetest

import (
	"context"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// filtering is a fault in the filter that is used.
func filtering(change func(*account.Filter)) func(*broken) {
	return func(b *broken) {
		b.entries = func(ctx context.Context, f account.Filter) ([]account.Entry, error) {
			change(&f)
			return b.Harness.Entries(ctx, f)
		}
	}
}

// forgetting is a fault in the deletion of an account's records.
func forgetting(how func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error)) func(*broken) {
	return func(b *broken) {
		b.forget = func(ctx context.Context, id string, by account.Entry) (account.Forgotten, error) {
			return how(ctx, b, id, by)
		}
	}
}

func ledgerFaults() []fault {
	return []fault{
		{"audit/filter", "looks at no account", filtering(func(f *account.Filter) { f.AccountIDs = nil })},
		{"audit/filter", "looks at no run", filtering(func(f *account.Filter) { f.Run = "" })},
		{"audit/filter", "looks at no event", filtering(func(f *account.Filter) { f.Event = "" })},
		{"audit/filter", "looks at no operator", filtering(func(f *account.Filter) { f.Operator = "" })},
		{"audit/filter", "has no beginning", filtering(func(f *account.Filter) { f.Since = time.Time{} })},
		{"audit/filter", "has no end", filtering(func(f *account.Filter) { f.Until = time.Time{} })},
		{"audit/filter", "has no limit", filtering(func(f *account.Filter) { f.Last = 0 })},
		{"audit/filter", "gives the first", func(b *broken) {
			b.entries = func(ctx context.Context, f account.Filter) ([]account.Entry, error) {
				n := f.Last
				f.Last = 0
				all, err := b.Harness.Entries(ctx, f)
				if n > 0 {
					all = all[:min(n, len(all))]
				}
				return all, err
			}
		}},
		{"sweep/audit", "sweeps nothing", func(b *broken) {
			b.sweepAudit = func(context.Context, time.Time, time.Duration) (int, error) { return 0, nil }
		}},
		{"sweep/audit", "sweeps everything", func(b *broken) {
			b.sweepAudit = func(ctx context.Context, now time.Time, _ time.Duration) (int, error) {
				return b.Harness.SweepAudit(ctx, now, time.Second)
			}
		}},
		{"sweep/audit", "does not count", func(b *broken) {
			b.sweepAudit = func(ctx context.Context, now time.Time, keep time.Duration) (int, error) {
				_, err := b.Harness.SweepAudit(ctx, now, keep)
				return 0, err
			}
		}},
		{"forget/account", "forgets nothing", forgetting(func(context.Context, *broken, string, account.Entry) (account.Forgotten, error) {
			return account.Forgotten{}, nil
		})},
		{"forget/account", "forgets whoever is there", forgetting(func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error) {
			f, err := b.Harness.Forget(ctx, id, by)
			if id != "" {
				err = nil
			}
			return f, err
		})},
		{"forget/account", "forgets the lines without an account", forgetting(func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error) {
			f, err := b.Harness.Forget(ctx, id, by)
			if id == "" {
				return f, nil
			}
			return f, err
		})},
		{"forget/account", "does not say who", forgetting(func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error) {
			by.Operator = ""
			return b.Harness.Forget(ctx, id, by)
		})},
		{"forget/account", "tells whom it forgot", forgetting(func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error) {
			owed, err := b.Harness.Owed(ctx, noon.Add(week), 10)
			if len(owed) > 0 {
				b.notice = func(context.Context, string, string) (account.Notice, error) { return owed[0], nil }
			}
			if err != nil {
				return account.Forgotten{}, err
			}
			return b.Harness.Forget(ctx, id, by)
		})},
		{"forget/account", "notes what became of a forgotten notice", forgetting(func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error) {
			b.tell = func(context.Context, string, account.Telling, string, time.Time) (account.Notice, error) {
				return account.Notice{}, nil
			}
			return b.Harness.Forget(ctx, id, by)
		})},
		{"forget/account", "keeps what it owes", forgetting(func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error) {
			owed, err := b.Harness.Owed(ctx, noon.Add(week), 10)
			if len(owed) > 0 {
				b.owed = func(context.Context, time.Time, int) ([]account.Notice, error) { return owed, nil }
			}
			if err != nil {
				return account.Forgotten{}, err
			}
			return b.Harness.Forget(ctx, id, by)
		})},
		{"forget/invited", "keeps invitations", forgetting(func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error) {
			kept := b.tokens(id)
			f, err := b.Harness.Forget(ctx, id, by)
			for _, t := range kept {
				if t.Scope == account.ScopeFirstPassword {
					b.restore(ctx, t)
				}
			}
			return f, err
		})},
		{"forget/account", "keeps tokens", forgetting(func(ctx context.Context, b *broken, id string, by account.Entry) (account.Forgotten, error) {
			f, err := b.Harness.Forget(ctx, id, by)
			for _, t := range b.tokens(id) {
				b.restore(ctx, t)
			}
			return f, err
		})},
	}
}
