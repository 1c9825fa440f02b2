package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// issuing is a fault that changes the issued record.
func issuing(change func(t *account.TokenRecord, limit *int)) func(*broken) {
	return func(b *broken) {
		b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
			change(&t, &limit)
			return b.Harness.IssueToken(ctx, t, limit)
		}
	}
}

// limiting is a fault at the mail limit.
func limiting(do func(ctx context.Context, b *broken, t account.TokenRecord)) func(*broken) {
	return func(b *broken) {
		b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
			issued, err := b.Harness.IssueToken(ctx, t, limit)
			if errors.Is(err, account.ErrMailLimit) {
				do(ctx, b, t)
			}
			return issued, err
		}
	}
}

func mailFaults() []fault {
	return append(copyFaults(), []fault{
		{"mails/limit", "counts attempts", issuing(func(t *account.TokenRecord, _ *int) { t.Mail = rand.Text() })},
		{"mails/limit", "counts one less", issuing(func(_ *account.TokenRecord, limit *int) { *limit++ })},
		{"mails/limit", "counts all accounts together", countsTogether},
		{"mails/limit", "has no limit", issuing(func(_ *account.TokenRecord, limit *int) { *limit = plenty })},
		{"mails/limit", "refuses what it has counted", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				others := map[string]bool{}
				for _, out := range b.tokens(t.AccountID) {
					others[out.Mail] = true
				}
				if delete(others, t.Mail); len(others) >= limit {
					return account.Issued{}, account.ErrMailLimit
				}
				return b.Harness.IssueToken(ctx, t, limit)
			}
		}},
		{"mails/complaint", "does not hear it", func(b *broken) { b.complain = b.Harness.Record }},
		{"mails/complaint", "forgets the audit entry", auditing(without(account.EventMailComplaint))},
		{"mails/complaint", "rests for an hour", issuing(func(t *account.TokenRecord, _ *int) {
			if t.Issued.After(noon.Add(time.Hour)) {
				t.Issued = t.Issued.Add(account.MailRest)
			}
		})},
		{"mails/complaint", "rests for two days", func(b *broken) {
			b.complain = func(ctx context.Context, e account.Entry) error {
				later := e
				later.At = e.At.Add(time.Hour)
				return errors.Join(b.Harness.Complained(ctx, later), b.Harness.Record(ctx, e))
			}
		}},
		{"mails/complaint", "rests all accounts", func(b *broken) {
			b.complain = func(ctx context.Context, e account.Entry) error {
				other := e
				other.AccountID = "bob"
				return errors.Join(b.Harness.Complained(ctx, e), b.Harness.Complained(ctx, other))
			}
		}},
		{"mails/limit", "records what it refuses", limiting(func(ctx context.Context, b *broken, t account.TokenRecord) {
			b.restore(ctx, t)
		})},
		{"mails/limit", "audits what it refuses", limiting(func(ctx context.Context, b *broken, t account.TokenRecord) {
			_ = b.Record(ctx, account.Entry{At: t.Issued, Event: account.EventMailIssued, AccountID: t.AccountID})
		})},
		{"mails/limit", "kills links at the limit", limiting(func(ctx context.Context, b *broken, t account.TokenRecord) {
			for _, out := range b.tokens(t.AccountID) {
				b.drop(ctx, out.Key)
			}
		})},
		{"mails/refill", "counts for ever", issuing(func(t *account.TokenRecord, _ *int) { t.Issued = noon })},
		{"mails/refill", "counts by the hour", issuing(func(t *account.TokenRecord, _ *int) { t.Issued = t.Issued.Truncate(time.Hour) })},
		{"mails/refill", "counts in whole seconds", issuing(func(t *account.TokenRecord, _ *int) { t.Issued = t.Issued.Truncate(time.Second) })},
		{"mails/refill", "is empty after an hour", moreFrom(time.Hour)},
		{"mails/refill", "saves mails up", moreFrom(9 * time.Hour)},
		{"mails/refill", "refills once a day", refillsDaily},
		{"mails/first attempt", "counts from the last attempt on", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				for _, out := range b.tokens(t.AccountID) {
					if out.Mail != t.Mail && t.Issued.Sub(out.Issued) < account.MailRefill {
						return account.Issued{}, account.ErrMailLimit
					}
				}
				return b.Harness.IssueToken(ctx, t, limit)
			}
		}},
		{"mails/audit", "looks whether the account is there", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				if _, err := b.Harness.Account(ctx, t.AccountID); err != nil {
					return account.Issued{}, err
				}
				return b.Harness.IssueToken(ctx, t, limit)
			}
		}},
		{"mails/audit", "forgets mails", auditing(without(account.EventMailIssued))},
		{"mails/audit", "forgets revocations", auditing(without(account.EventMailRevoked))},
		{"mails/audit", "forgets the client", issuing(func(t *account.TokenRecord, _ *int) { t.Client = "" })},
		{"mails/audit", "forgets the operator", issuing(func(t *account.TokenRecord, _ *int) { t.Operator = "" })},
		{"mails/audit", "forgets the run", auditing(func(e *account.Entry) bool { e.Run = ""; return true })},
		{"mails/revoke", "does not revoke", func(b *broken) {
			b.revoke = func(context.Context, account.RecordKey, time.Time) error { return nil }
		}},
		{"mails/revoke", "revokes in the audit log only", func(b *broken) {
			b.revoke = func(ctx context.Context, key account.RecordKey, at time.Time) error {
				err := b.Harness.RevokeToken(ctx, key, at)
				if t, ok := b.token(key); ok {
					b.restore(ctx, t)
				}
				return err
			}
		}},
		{"mails/revoke", "wants something to revoke", func(b *broken) {
			b.revoke = func(ctx context.Context, key account.RecordKey, at time.Time) error {
				if _, ok := b.token(key); !ok {
					return errors.New("no rows")
				}
				return b.Harness.RevokeToken(ctx, key, at)
			}
		}},
		{"mails/revoke", "revokes all", func(b *broken) {
			b.revoke = func(ctx context.Context, _ account.RecordKey, _ time.Time) error {
				for _, t := range b.tokens("") {
					b.drop(ctx, t.Key)
				}
				return nil
			}
		}},
		{"mails/revoke", "no longer counts the mail", uncounts},
		{"mails/revoke", "audits what it did not do", func(b *broken) {
			b.revoke = func(ctx context.Context, key account.RecordKey, at time.Time) error {
				if t, ok := b.token(key); ok {
					_ = b.Record(ctx, account.Entry{At: at, Event: account.EventMailRevoked, AccountID: t.AccountID})
				}
				return b.Harness.RevokeToken(ctx, key, at)
			}
		}},
	}...)
}

func countsTogether(b *broken) {
	b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
		mails := map[string]bool{t.AccountID + t.Mail: true}
		for _, out := range b.tokens("") {
			mails[out.AccountID+out.Mail] = true
		}
		if len(mails) > limit {
			return account.Issued{}, account.ErrMailLimit
		}
		return b.Harness.IssueToken(ctx, t, limit)
	}
}

func uncounts(b *broken) {
	var revoked atomic.Int32
	b.revoke = func(ctx context.Context, key account.RecordKey, at time.Time) error {
		revoked.Add(1)
		return b.Harness.RevokeToken(ctx, key, at)
	}
	b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
		return b.Harness.IssueToken(ctx, t, limit+int(revoked.Load()))
	}
}
