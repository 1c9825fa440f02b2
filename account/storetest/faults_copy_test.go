package storetest

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// knowing is a fault in the answer about a mail that is issued or refused.
func knowing(change func(*account.Issued)) func(*broken) {
	return func(b *broken) {
		b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
			issued, err := b.Harness.IssueToken(ctx, t, limit)
			change(&issued)
			return issued, err
		}
	}
}

// tiring is a fault in which a mail is refused as one of too many copies.
func tiring(refused func(b *broken, t account.TokenRecord) bool) func(*broken) {
	return func(b *broken) {
		b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
			if refused(b, t) {
				return account.Issued{}, account.ErrTooManyCopies
			}
			return b.Harness.IssueToken(ctx, t, limit)
		}
	}
}

// others are the tokens of a mail in good faith, revoked ones too.
func (b *broken) others(t account.TokenRecord) []account.TokenRecord {
	return slices.DeleteFunc(b.tokens(t.AccountID), func(other account.TokenRecord) bool { return other.Mail != t.Mail })
}

func copyFaults() []fault {
	return []fault{
		{"mails/copies", "has no end", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				before := len(b.others(t))
				issued, err := b.Harness.IssueToken(ctx, t, limit)
				if before >= account.MailCopies {
					b.restore(ctx, t)
					return issued, nil
				}
				return issued, err
			}
		}},
		{"mails/copies", "counts revoked copies", tiring(func(b *broken, t account.TokenRecord) bool { return len(b.others(t)) >= account.MailCopies })},
		{"mails/copies", "takes mails of others for copies", tiring(func(b *broken, t account.TokenRecord) bool {
			return len(slices.DeleteFunc(b.tokens(""), func(other account.TokenRecord) bool { return other.Mail != t.Mail })) >= account.MailCopies
		})},
		{"mails/copies", "does not know copies", issuing(func(t *account.TokenRecord, _ *int) { t.Mail = rand.Text() })},
		{"mails/copies", "counts mails only", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				mails, tokens := map[string]bool{}, b.tokens(t.AccountID)
				for _, out := range tokens {
					mails[out.Mail] = true
				}
				return b.Harness.IssueToken(ctx, t, limit+len(tokens)-len(mails))
			}
		}},
		{"mails/copies", "does not tell when links end", knowing(func(i *account.Issued) { i.Expires = time.Time{} })},
		{"mails/copies", "forgets which copy it is", knowing(func(i *account.Issued) { i.Copy = 1 })},
		{"mails/asked", "counts for ever", issuing(func(t *account.TokenRecord, _ *int) { t.Issued = noon })},
		{"mails/asked", "counts the others", knowing(func(i *account.Issued) { i.Asked-- })},
		{"mails/asked", "counts copies", knowing(func(i *account.Issued) { i.Asked += i.Copy - 1 })},
		{"mails/asked", "counts all accounts together", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				t.AccountID = "all"
				t.Mail += t.Address
				return b.Harness.IssueToken(ctx, t, limit)
			}
		}},
		{"mails/asked", "is silent at the limit", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				issued, err := b.Harness.IssueToken(ctx, t, limit)
				if err != nil {
					issued = account.Issued{}
				}
				return issued, err
			}
		}},
	}
}

// moreFrom is a store that lets an account have one mail more after a while.
func moreFrom(after time.Duration) func(*broken) {
	return issuing(func(t *account.TokenRecord, limit *int) {
		if t.Issued.Sub(noon) >= after {
			*limit++
		}
	})
}

// refillsDaily is a bucket as it was before: the limit in 24 hours.
func refillsDaily(b *broken) {
	b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
		if len(b.tokens(t.AccountID)) >= limit {
			return account.Issued{}, account.ErrMailLimit
		}
		return b.Harness.IssueToken(ctx, t, limit)
	}
}
