package storetest

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// ending is a fault in the side effects of the end of a run.
func ending(do func(ctx context.Context, b *broken, run string, n *account.Notice, err error) error) func(*broken) {
	return func(b *broken) {
		b.end = func(ctx context.Context, run string, at time.Time) (account.Notice, error) {
			n, err := b.Harness.End(ctx, run, at)
			return n, do(ctx, b, run, &n, err)
		}
	}
}

func endFaults() []fault {
	keeping := ending(func(ctx context.Context, b *broken, run string, _ *account.Notice, err error) error {
		for _, t := range b.tokens("") {
			if t.Run == run {
				b.restore(ctx, t)
			}
		}
		return err
	})
	return []fault{
		{"notice/progress", "ends with the first change", func(b *broken) {
			var first string
			b.tell = func(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
				first = cmp.Or(first, submission)
				return b.Harness.Tell(ctx, submission, what, address, at)
			}
			b.end = func(ctx context.Context, run string, _ time.Time) (account.Notice, error) {
				return b.Harness.Notice(ctx, run, first)
			}
		}},
		{"end/not applied", "audits one account", auditing(func(e *account.Entry) bool {
			return e.Event != account.EventResetEnded || e.AccountID != "bob"
		})},
		{"end/not applied", "kills one account's links", ending(func(ctx context.Context, b *broken, run string, _ *account.Notice, err error) error {
			for _, t := range b.tokens("bob") {
				if t.Run == run {
					b.restore(ctx, t)
				}
			}
			return err
		})},
		{"end/applied", "keeps links", keeping},
		{"end/not applied", "keeps links", keeping},
		{"end/applied", "does not know of the change", ending(func(context.Context, *broken, string, *account.Notice, error) error {
			return account.ErrNotFound
		})},
		{"end/applied", "does not know what is owed", func(b *broken) {
			b.end = func(ctx context.Context, run string, at time.Time) (account.Notice, error) {
				n, err := b.Harness.End(ctx, run, at)
				n.Debt = account.Debt{}
				return n, err
			}
		}},
		{"end/not applied", "says that it changed something", ending(func(context.Context, *broken, string, *account.Notice, error) error { return nil })},
		{"end/not applied", "kills other runs' links", ending(func(ctx context.Context, b *broken, _ string, _ *account.Notice, err error) error {
			for _, t := range b.tokens("ann") {
				b.drop(ctx, t.Key)
			}
			return err
		})},
		{"end/not applied", "kills other accounts' links", ending(func(ctx context.Context, b *broken, _ string, _ *account.Notice, err error) error {
			for _, t := range b.tokens("bob") {
				b.drop(ctx, t.Key)
			}
			return err
		})},
		{"end/not applied", "forgets the audit entry", auditing(without(account.EventResetEnded))},
		{"end/not applied", "audits it again", ending(func(ctx context.Context, b *broken, run string, _ *account.Notice, err error) error {
			_ = b.Record(ctx, account.Entry{Event: account.EventResetEnded, AccountID: strings.TrimPrefix(run, "run of ")})
			return err
		})},
		{"end/races", "looks for the change first", func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				t, _ := b.token(c.Record)
				owner, err := b.Harness.ChangePassword(ctx, c)
				b.meet(t.AccountID)
				return owner, err
			}
			b.end = func(ctx context.Context, run string, at time.Time) (account.Notice, error) {
				n, err := b.Harness.Notice(ctx, run, "")
				b.meet(strings.TrimPrefix(run, "run of "))
				_, _ = b.Harness.End(ctx, run, at)
				return n, err
			}
		}},
	}
}
