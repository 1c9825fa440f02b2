package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
)

func readFaults() []fault {
	return []fault{
		{"accounts/read", "makes up accounts", func(b *broken) {
			b.read = func(ctx context.Context, id string) (account.Account, error) {
				a, err := b.Harness.Account(ctx, id)
				if errors.Is(err, account.ErrNotFound) {
					err = nil
				}
				return a, err
			}
		}},
		{"accounts/read", "drops further addresses", func(b *broken) {
			b.put = func(ctx context.Context, a account.Account) error {
				a.Notify = nil
				return b.Harness.Put(ctx, a)
			}
		}},
		{"accounts/read", "creates only", func(b *broken) {
			b.put = func(ctx context.Context, a account.Account) error {
				if _, err := b.Harness.Account(ctx, a.ID); err == nil {
					return nil
				}
				return b.Harness.Put(ctx, a)
			}
		}},
		{"accounts/locale", "drops the language", func(b *broken) {
			b.put = func(ctx context.Context, a account.Account) error {
				a.Locale = ""
				return b.Harness.Put(ctx, a)
			}
		}},
		{"accounts/locale", "returns the language as it is stored", func(b *broken) {
			stored := ""
			b.put = func(ctx context.Context, a account.Account) error {
				stored = a.Locale
				return b.Harness.Put(ctx, a)
			}
			b.read = func(ctx context.Context, id string) (account.Account, error) {
				a, err := b.Harness.Account(ctx, id)
				a.Locale = stored
				return a, err
			}
		}},
		{"accounts/locale", "finds without the language", func(b *broken) {
			b.find = func(ctx context.Context, address string) ([]account.Account, error) {
				found, err := b.Harness.Find(ctx, address)
				for i := range found {
					found[i].Locale = ""
				}
				return found, err
			}
		}},
		{"accounts/find", "finds one", func(b *broken) {
			b.find = func(ctx context.Context, address string) ([]account.Account, error) {
				found, err := b.Harness.Find(ctx, address)
				return found[:min(1, len(found))], err
			}
		}},
		{"accounts/find", "leaves out closed accounts", func(b *broken) {
			b.find = func(ctx context.Context, address string) ([]account.Account, error) {
				found, err := b.Harness.Find(ctx, address)
				return slices.DeleteFunc(found, func(a account.Account) bool { return a.Disabled }), err
			}
		}},
		{"accounts/find", "takes patterns", func(b *broken) {
			b.find = func(ctx context.Context, address string) ([]account.Account, error) {
				return b.Harness.Find(ctx, strings.NewReplacer("%", "ann", "_", "n").Replace(address))
			}
		}},
		{"accounts/move", "finds at the old address", findsMoved},
		{"accounts/move", "returns the normalized address", func(b *broken) {
			b.find = func(ctx context.Context, address string) ([]account.Account, error) {
				found, err := b.Harness.Find(ctx, address)
				for i := range found {
					found[i].Address = address
				}
				return found, err
			}
		}},
		{"accounts/move", "keeps what is deleted", func(b *broken) {
			b.remove = func(context.Context, string) error { return nil }
		}},
		{"context/canceled", "reads on", func(b *broken) {
			b.read = func(ctx context.Context, id string) (account.Account, error) {
				return b.Harness.Account(context.WithoutCancel(ctx), id)
			}
		}},
		{"context/canceled", "finds on", func(b *broken) {
			b.find = func(ctx context.Context, address string) ([]account.Account, error) {
				return b.Harness.Find(context.WithoutCancel(ctx), address)
			}
		}},
		{"context/canceled", "issues on", func(b *broken) {
			b.issue = func(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
				issued, err := b.Harness.IssueToken(context.WithoutCancel(ctx), t, limit)
				return issued, errors.Join(err, ctx.Err())
			}
		}},
		{"context/canceled", "revokes on", func(b *broken) {
			b.revoke = func(ctx context.Context, key account.RecordKey, at time.Time) error {
				return b.Harness.RevokeToken(context.WithoutCancel(ctx), key, at)
			}
		}},
		{"context/canceled", "changes on", func(b *broken) {
			b.change = func(ctx context.Context, c account.Change) (string, error) {
				_, _ = b.Harness.ChangePassword(context.WithoutCancel(ctx), c)
				return "", ctx.Err()
			}
		}},
		{"context/canceled", "records on", func(b *broken) {
			b.record = func(ctx context.Context, e account.Entry) error {
				return b.Harness.Record(context.WithoutCancel(ctx), e)
			}
		}},
		{"context/canceled", "sweeps on", func(b *broken) {
			b.sweep = func(ctx context.Context, before time.Time) (int, error) {
				return b.Harness.Sweep(context.WithoutCancel(ctx), before)
			}
		}},
	}
}

func findsMoved(b *broken) {
	had := map[string]string{}
	b.put = func(ctx context.Context, a account.Account) error {
		if _, ok := had[a.Address]; !ok {
			had[a.Address] = a.ID
		}
		return b.Harness.Put(ctx, a)
	}
	b.find = func(ctx context.Context, address string) ([]account.Account, error) {
		if found, err := b.Harness.Find(ctx, address); err != nil || len(found) > 0 {
			return found, err
		}
		a, err := b.Harness.Account(ctx, had[address])
		if err != nil {
			return nil, nil //nolint:nilerr // nobody had it
		}
		return []account.Account{a}, nil
	}
}
