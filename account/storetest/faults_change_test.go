package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"

	"github.com/rekeyhq/rekey/account"
)

// before is a fault in the input of a change.
func before(do func(ctx context.Context, b *broken, c *account.Change)) func(*broken) {
	return func(b *broken) {
		b.change = func(ctx context.Context, c account.Change) (string, error) {
			do(ctx, b, &c)
			return b.Harness.ChangePassword(ctx, c)
		}
	}
}

// after is a fault after a change. It returns another answer or the same.
func after(do func(ctx context.Context, b *broken, c account.Change, owner string, err error) (string, error)) func(*broken) {
	return func(b *broken) {
		b.change = func(ctx context.Context, c account.Change) (string, error) {
			owner, err := b.Harness.ChangePassword(ctx, c)
			return do(ctx, b, c, owner, err)
		}
	}
}

// succeeding is a fault in the side effects of a change.
func succeeding(do func(ctx context.Context, b *broken, c account.Change, owner string)) func(*broken) {
	return after(func(ctx context.Context, b *broken, c account.Change, owner string, err error) (string, error) {
		if err == nil {
			do(ctx, b, c, owner)
		}
		return owner, err
	})
}

// again is a fault in a change that was applied before.
func again(do func(ctx context.Context, b *broken, c account.Change, owner string)) func(*broken) {
	return succeeding(func(ctx context.Context, b *broken, c account.Change, owner string) {
		if b.owner(c.Submission) != "" {
			do(ctx, b, c, owner)
		}
	})
}

// unknown is a fault in the treatment of an unknown token.
func unknown(do func(ctx context.Context, b *broken, c account.Change) (string, error)) func(*broken) {
	return after(func(ctx context.Context, b *broken, c account.Change, owner string, err error) (string, error) {
		if errors.Is(err, account.ErrTokenUnknown) {
			return do(ctx, b, c)
		}
		return owner, err
	})
}

// update changes an account as no store would for a reset.
func (b *broken) update(ctx context.Context, id string, change func(*account.Account)) {
	a, err := b.Harness.Account(ctx, id)
	if err == nil {
		change(&a)
		_ = b.Harness.Put(ctx, a)
	}
}

// overwrite sets a hash and nothing else.
func (b *broken) overwrite(ctx context.Context, c account.Change, id string) {
	b.update(ctx, id, func(a *account.Account) { a.Credential = c.Hash })
}

// revive brings the tokens of an account back, for its credential of now.
func (b *broken) revive(ctx context.Context, id string) {
	a, _ := b.Harness.Account(ctx, id)
	for _, t := range b.tokens(id) {
		t.Credential = account.CredentialDigest(a.Credential)
		b.restore(ctx, t)
	}
}

func changeFaults() []fault {
	return []fault{
		{"change/effects", "forgets the audit entry", auditing(without(account.EventPasswordChanged))},
		{"change/effects", "forgets the client", before(func(_ context.Context, _ *broken, c *account.Change) { c.Client = "" })},
		{"change/effects", "forgets to kill other links", succeeding(func(ctx context.Context, b *broken, _ account.Change, owner string) {
			b.revive(ctx, owner)
		})},
		{"change/effects", "only refuses other links", succeeding(func(ctx context.Context, b *broken, _ account.Change, owner string) {
			for _, t := range b.tokens(owner) {
				b.restore(ctx, t)
			}
		})},
		{"change/effects", "kills everybody's links", succeeding(func(ctx context.Context, b *broken, _ account.Change, _ string) {
			for _, t := range b.tokens("") {
				b.drop(ctx, t.Key)
			}
		})},
		{"change/effects", "forgets the sessions", keepsSessions},
		{"change/effects", "only suspends the sessions", suspendsSessions},
		{"change/effects", "ends everybody's sessions", succeeding(func(_ context.Context, b *broken, _ account.Change, _ string) {
			b.endSessions(maps.Clone(b.sessions))
		})},
		{"change/effects", "locks the account out", succeeding(func(_ context.Context, b *broken, _ account.Change, owner string) {
			b.sign = func(ctx context.Context, id, credential string) (string, error) {
				sid, err := b.Harness.NewSession(ctx, id, credential)
				if id == owner {
					b.endSessions(map[string]string{sid: id})
				}
				return sid, err
			}
		})},
		{"change/effects", "writes another field", succeeding(func(ctx context.Context, b *broken, _ account.Change, owner string) {
			b.update(ctx, owner, func(a *account.Account) { a.Notify = nil })
		})},
		{"change/effects", "writes another account", succeeding(func(ctx context.Context, b *broken, c account.Change, _ string) {
			b.overwrite(ctx, c, "anna")
		})},
		{"change/effects", "does not set the hash", before(func(_ context.Context, _ *broken, c *account.Change) { c.Hash = "$argon2id$other" })},
		{"change/effects", "does not say whose", after(func(_ context.Context, _ *broken, _ account.Change, _ string, err error) (string, error) {
			return "", err
		})},
		{"change/again", "forgets the submission", before(func(_ context.Context, _ *broken, c *account.Change) { c.Submission = rand.Text() })},
		{"change/again", "wants the account again", after(func(ctx context.Context, b *broken, _ account.Change, owner string, err error) (string, error) {
			if _, gone := b.Harness.Account(ctx, owner); err == nil && gone != nil {
				return "", account.ErrAccountGone
			}
			return owner, err
		})},
		{"change/again", "applies it again", again(func(ctx context.Context, b *broken, c account.Change, owner string) {
			b.overwrite(ctx, c, owner)
		})},
		{"change/again", "audits it again", again(func(ctx context.Context, b *broken, c account.Change, owner string) {
			_ = b.Record(ctx, account.Entry{At: c.At, Event: account.EventPasswordChanged, AccountID: owner})
		})},
		{"change/again", "kills links again", again(func(ctx context.Context, b *broken, _ account.Change, owner string) {
			for _, t := range b.tokens(owner) {
				b.drop(ctx, t.Key)
			}
		})},
		{"change/again", "ends sessions again", again(func(_ context.Context, b *broken, _ account.Change, _ string) {
			b.endSessions(maps.Clone(b.sessions))
		})},
		{"change/again", "wants the token again", func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				if _, ok := b.token(c.Record); !ok {
					return "", account.ErrTokenUnknown
				}
				return b.Harness.ChangePassword(ctx, c)
			}
		}},
	}
}

// endSessions makes nothing of some sessions.
func (b *broken) endSessions(ended map[string]string) {
	before := b.session
	b.session = func(ctx context.Context, sid string) (account.Account, error) {
		if ended[sid] != "" {
			return account.Account{}, account.ErrNotFound
		}
		return before(ctx, sid)
	}
}

// keepsSessions makes sessions that no change of password ends.
func keepsSessions(b *broken) {
	b.session = func(ctx context.Context, sid string) (account.Account, error) {
		b.mu.Lock()
		id := b.sessions[sid]
		b.mu.Unlock()
		return b.Harness.Account(ctx, id)
	}
}

// suspendsSessions leaves it to the credential whether a session counts.
func suspendsSessions(b *broken) {
	under := map[string]string{}
	b.sign = func(ctx context.Context, id, credential string) (string, error) {
		sid, err := b.Harness.NewSession(ctx, id, credential)
		under[sid] = credential
		return sid, err
	}
	b.session = func(ctx context.Context, sid string) (account.Account, error) {
		a, err := b.Harness.Account(ctx, b.sessions[sid])
		if err != nil || a.Credential != under[sid] {
			return account.Account{}, account.ErrNotFound
		}
		return a, nil
	}
}
