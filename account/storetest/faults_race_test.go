package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"

	"github.com/rekeyhq/rekey/account"
)

// raceFaults are stores that check first and act later: right while calls come one
// after the other. Their racers meet between the two.
func raceFaults() []fault {
	return []fault{
		{"races/one submission", "lets one succeed", lateChange(func(_ context.Context, _ *broken, _ account.Change, _ string) error {
			return account.ErrTokenUnknown
		})},
		{"races/one submission", "audits each", lateChange(func(ctx context.Context, b *broken, c account.Change, owner string) error {
			return b.Record(ctx, account.Entry{At: c.At, Event: account.EventPasswordChanged, AccountID: owner})
		})},
		{"races/one token", "lets all succeed", lateChange(func(ctx context.Context, b *broken, c account.Change, owner string) error {
			b.overwrite(ctx, c, owner)
			return nil
		})},
		{"races/one account", "lets all succeed", lateChange(func(ctx context.Context, b *broken, c account.Change, owner string) error {
			b.overwrite(ctx, c, owner)
			return nil
		})},
		{"races/one token", "lets the others write", losersWrite},
		{"races/one account", "lets the others write", losersWrite},
		{"races/sign-in", "looks at the credential first", signsInLate},
		{"races/issue", "looks at the credential later", issuesLate},
		{"races/mail limit", "counts first", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				mails := len(b.tokens(t.AccountID))
				b.meet(t.AccountID)
				if mails >= limit {
					return account.Issued{}, account.ErrMailLimit
				}
				return b.Harness.IssueToken(ctx, t, plenty)
			}
		}},
		{"races/one mail", "looks for attempts first", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				if len(b.tokens(t.AccountID)) == 0 {
					b.meet(t.AccountID)
					t.Mail = rand.Text()
				}
				return b.Harness.IssueToken(ctx, t, limit)
			}
		}},
	}
}

// lateChange is a store in which all racers have found the record before one of them changes
// the password. The others' next step is the fault.
func lateChange(others func(ctx context.Context, b *broken, c account.Change, owner string) error) func(*broken) {
	return func(b *broken) {
		first := map[string]bool{}
		var mu sync.Mutex
		b.change = func(ctx context.Context, c account.Change) (string, error) {
			t, _ := b.token(c.Record)
			b.meet(t.AccountID)
			mu.Lock()
			defer mu.Unlock()
			if !first[t.AccountID] {
				first[t.AccountID] = true
				return b.Harness.ChangePassword(ctx, c)
			}
			if err := others(ctx, b, c, t.AccountID); err != nil {
				return "", err
			}
			return t.AccountID, nil
		}
	}
}

// losersWrite is a store that overwrites and then finds that it should not have.
func losersWrite(b *broken) {
	lateChange(func(ctx context.Context, b *broken, c account.Change, owner string) error {
		b.overwrite(ctx, c, owner)
		return account.ErrTokenUnknown
	})(b)
}

// changed is closed for each account when its password was changed.
type changed struct {
	mu   sync.Mutex
	done map[string]chan struct{}
}

func (c *changed) of(id string) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done[id] == nil {
		c.done[id] = make(chan struct{})
	}
	return c.done[id]
}

// announce makes a store that meets the racers before its first change and says after
// it that it is done.
func announce(b *broken) *changed {
	all := &changed{done: map[string]chan struct{}{}}
	b.change = func(ctx context.Context, c account.Change) (string, error) {
		t, _ := b.token(c.Record)
		select {
		case <-all.of(t.AccountID):
		default:
			b.meet(t.AccountID)
			defer close(all.of(t.AccountID))
		}
		return b.Harness.ChangePassword(ctx, c)
	}
	return all
}

func signsInLate(b *broken) {
	all := announce(b)
	b.sign = func(ctx context.Context, id, credential string) (string, error) {
		a, err := b.Harness.Account(ctx, id)
		if err != nil || a.Credential != credential {
			return "", errors.New("wrong password")
		}
		b.meet(id)
		<-all.of(id)
		if a, err = b.Harness.Account(ctx, id); err != nil {
			return "", err
		}
		return b.Harness.NewSession(ctx, id, a.Credential)
	}
}

func issuesLate(b *broken) {
	all := announce(b)
	b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
		if t.Mail == "0" { // the link that is used
			return b.Harness.IssueToken(ctx, t, limit)
		}
		b.meet(t.AccountID)
		<-all.of(t.AccountID)
		a, err := b.Harness.Account(ctx, t.AccountID)
		t.Credential = account.CredentialDigest(a.Credential)
		issued, issueErr := b.Harness.IssueToken(ctx, t, limit)
		return issued, errors.Join(err, issueErr)
	}
}
