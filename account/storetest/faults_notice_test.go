package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// noticing is a fault in the debt that a store returns.
func noticing(do func(ctx context.Context, b *broken, n *account.Notice)) func(*broken) {
	return func(b *broken) {
		b.notice = func(ctx context.Context, run, submission string) (account.Notice, error) {
			n, err := b.Harness.Notice(ctx, run, submission)
			if err == nil {
				do(ctx, b, &n)
			}
			return n, err
		}
	}
}

// telling is a fault in the noted outcome. Not okay notes nothing, and pretends.
func telling(okay func(what account.Telling) bool) func(*broken) {
	return func(b *broken) {
		b.tell = func(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
			n, err := b.Harness.Tell(ctx, submission, "nothing", "", at)
			if err != nil || !okay(what) {
				n.Debt = n.After(what, address, at)
				return n, err
			}
			return b.Harness.Tell(ctx, submission, what, address, at)
		}
	}
}

// owing is a fault in the list of owed notices.
func owing(list func(ctx context.Context, b *broken, before time.Time, most int) ([]account.Notice, error)) func(*broken) {
	return func(b *broken) {
		b.owed = func(ctx context.Context, before time.Time, most int) ([]account.Notice, error) {
			return list(ctx, b, before, most)
		}
	}
}

func noticeFaults() []fault {
	forgetting := func(what account.Telling) func(*broken) {
		return telling(func(w account.Telling) bool { return w != what })
	}
	return []fault{
		{"notice/addresses", "asks the account when it is to tell", noticing(func(ctx context.Context, b *broken, n *account.Notice) {
			a, _ := b.Harness.Account(ctx, n.AccountID)
			n.Debt = account.NewDebt(a, account.Change{})
		})},
		{"notice/addresses", "asks the account when it mails the link", noticing(func(_ context.Context, _ *broken, n *account.Notice) {
			n.Left = slices.Clone(n.Left)
			n.Left[1].Address = "office@example.com"
		})},
		{"notice/language", "forgets the language", func(b *broken) {
			b.tell = func(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
				n, err := b.Harness.Tell(ctx, submission, what, address, at)
				n.Locale = ""
				return n, err
			}
		}},
		{"notice/language", "prefers the request", func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				if t, ok := b.issued[c.Record]; ok && c.Locale != "" {
					a, _ := b.Harness.Account(ctx, t.AccountID)
					a.Locale = ""
					if err := b.Harness.Put(ctx, a); err != nil {
						return "", err
					}
				}
				return b.Harness.ChangePassword(ctx, c)
			}
		}},
		{"notice/language", "has none after the end", func(b *broken) {
			b.end = func(ctx context.Context, run string, at time.Time) (account.Notice, error) {
				n, err := b.Harness.End(ctx, run, at)
				n.Locale = ""
				return n, err
			}
		}},
		{"notice/addresses", "owes nothing", noticing(func(_ context.Context, _ *broken, n *account.Notice) { n.Debt = account.Debt{} })},
		{"notice/addresses", "owes one address", noticing(func(_ context.Context, _ *broken, n *account.Notice) { n.Left = n.Left[:1] })},
		{"notice/addresses", "does not ask whose run it was", func(b *broken) {
			b.notice = func(ctx context.Context, run, submission string) (account.Notice, error) {
				n, err := b.Harness.Notice(ctx, run, submission)
				if err != nil && submission != "" {
					return b.Harness.Notice(ctx, "run of ann", submission)
				}
				return n, err
			}
		}},
		{"notice/addresses", "takes the run's newest for any", func(b *broken) {
			b.notice = func(ctx context.Context, run, _ string) (account.Notice, error) {
				return b.Harness.Notice(ctx, run, "")
			}
		}},
		{"notice/addresses", "owes it again", noticing(func(_ context.Context, _ *broken, n *account.Notice) {
			for i := range n.Left {
				n.Left[i].Copies = 0
			}
		})},
		{"notice/progress", "forgets who was told", forgetting(account.TellDone)},
		{"notice/progress", "forgets what did not go out", forgetting(account.TellNotSent)},
		{"notice/progress", "forgets what may have gone out", forgetting(account.TellUnclear)},
		{"notice/progress", "counts no copies", forgetting(account.TellBegun)},
		{"notice/progress", "means the oldest", func(b *broken) {
			var first account.Notice
			b.notice = func(ctx context.Context, run, submission string) (account.Notice, error) {
				n, err := b.Harness.Notice(ctx, run, submission)
				if first.Submission == "" {
					first = n
				}
				if submission == "" && first.Submission != n.Submission {
					return b.Harness.Notice(ctx, run, first.Submission)
				}
				return n, err
			}
		}},
		{"notice/given up", "forgets the audit entry", auditing(without(account.EventNoticeFailed))},
		{"notice/given up", "audits it again", func(b *broken) {
			b.tell = func(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
				n, err := b.Harness.Tell(ctx, submission, what, address, at)
				if what == account.TellGivenUp && n.Told == 0 {
					_ = b.Record(ctx, n.GivenUp(at))
				}
				return n, err
			}
		}},
		{"notice/given up", "forgets that it is over", forgetting(account.TellGivenUp)},
		{"notice/kept", "sweeps it", func(b *broken) {
			b.sweep = func(ctx context.Context, before time.Time) (int, error) {
				all, _ := b.Harness.Owed(ctx, before, plenty)
				for _, n := range all {
					_, _ = b.Harness.Tell(ctx, n.Submission, account.TellGivenUp, "", meddled)
				}
				return b.Harness.Sweep(ctx, before)
			}
		}},
		{"notice/kept", "keeps it for ever", func(b *broken) {
			b.sweep = func(context.Context, time.Time) (int, error) { return 1, nil }
		}},
		{"notice/races", "loses what runs beside", func(b *broken) {
			last := map[string]bool{}
			b.tell = func(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
				b.meet(submission)
				b.mu.Lock()
				defer b.mu.Unlock()
				if last[submission] {
					return account.Notice{}, nil
				}
				last[submission] = true
				return b.Harness.Tell(ctx, submission, what, address, at)
			}
		}},
	}
}

func owedFaults() []fault {
	return []fault{
		{"notice/owed", "goes by no time", owing(func(ctx context.Context, b *broken, _ time.Time, most int) ([]account.Notice, error) {
			return b.Harness.Owed(ctx, noon.Add(week), most)
		})},
		{"notice/owed", "lists all", owing(func(ctx context.Context, b *broken, before time.Time, _ int) ([]account.Notice, error) {
			return b.Harness.Owed(ctx, before, plenty)
		})},
		{"notice/owed", "lists the same first", owing(func(ctx context.Context, b *broken, before time.Time, most int) ([]account.Notice, error) {
			all, err := b.Harness.Owed(ctx, before, plenty)
			for i, n := range all {
				if n.AccountID == "ann" {
					all[0], all[i] = all[i], all[0]
				}
			}
			return all[:min(most, len(all))], err
		})},
		{"notice/owed", "lists what is settled", func(b *broken) {
			b.tell = func(ctx context.Context, submission string, _ account.Telling, address string, at time.Time) (account.Notice, error) {
				return b.Harness.Tell(ctx, submission, account.TellBegun, address, at)
			}
		}},
		{"notice/owed", "leaves the addresses out", owing(func(ctx context.Context, b *broken, before time.Time, most int) ([]account.Notice, error) {
			all, err := b.Harness.Owed(ctx, before, most)
			for i := range all {
				all[i].Left = nil
			}
			return all, err
		})},
	}
}
