package storetest

import (
	"context"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// sweeping is a fault that takes another time for the one that was given.
func sweeping(add time.Duration) func(*broken) {
	return func(b *broken) {
		b.sweep = func(ctx context.Context, before time.Time) (int, error) {
			return b.Harness.Sweep(ctx, before.Add(add))
		}
	}
}

// reporting is a fault in the number that is returned.
func reporting(count func(n int) int) func(*broken) {
	return func(b *broken) {
		b.sweep = func(ctx context.Context, before time.Time) (int, error) {
			n, err := b.Harness.Sweep(ctx, before)
			return count(n), err
		}
	}
}

func sweepFaults() []fault {
	nothing, everything := sweeping(-2*week), sweeping(2*week)
	return []fault{
		{"sweep/tokens", "sweeps nothing", nothing},
		{"sweep/submissions", "sweeps nothing", nothing},
		{"sweep/mails", "sweeps nothing", nothing},
		{"sweep/tokens", "sweeps everything", everything},
		{"sweep/submissions", "sweeps everything", everything},
		{"sweep/mails", "sweeps everything", everything},
		{"sweep/tokens", "does not count", reporting(func(int) int { return 0 })},
		{"sweep/mails", "does not count mails", reporting(func(int) int { return 0 })},
		{"sweep/tokens", "sweeps what lives", func(b *broken) {
			b.sweep = func(ctx context.Context, before time.Time) (int, error) {
				for _, t := range b.tokens("") {
					b.drop(ctx, t.Key)
				}
				return b.Harness.Sweep(ctx, before)
			}
		}},
		{"sweep/tokens", "sweeps no tokens", func(b *broken) {
			b.sweep = func(ctx context.Context, before time.Time) (int, error) {
				n, err := b.Harness.Sweep(ctx, before)
				for _, t := range b.tokens("") {
					b.restore(ctx, t)
				}
				return n, err
			}
		}},
		{"sweep/tokens", "goes by the issue", func(b *broken) {
			b.sweep = func(ctx context.Context, before time.Time) (int, error) {
				for _, t := range b.tokens("") {
					if t.Issued.Before(before) && !t.Expires.Before(before) {
						b.drop(ctx, t.Key)
					}
				}
				return b.Harness.Sweep(ctx, before)
			}
		}},
		{"sweep/tokens", "sweeps the audit log", func(b *broken) {
			b.sweep = func(ctx context.Context, before time.Time) (int, error) {
				b.audit = func(context.Context, string) ([]account.Entry, error) { return nil, nil }
				return b.Harness.Sweep(ctx, before)
			}
		}},
		{"sweep/submissions", "remembers for ever", unknown(func(_ context.Context, b *broken, c account.Change) (string, error) {
			if owner := b.owner(c.Submission); owner != "" {
				return owner, nil
			}
			return "", account.ErrTokenUnknown
		})},
		{"sweep/mails", "forgets mails that count", func(b *broken) {
			swept := 0
			b.sweep = func(ctx context.Context, before time.Time) (int, error) {
				swept++
				return b.Harness.Sweep(ctx, before)
			}
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				if swept > 0 {
					limit++
				}
				return b.Harness.IssueToken(ctx, t, limit)
			}
		}},
	}
}
