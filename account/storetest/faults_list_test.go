package storetest

import (
	"context"
	"slices"
	"strings"

	"github.com/rekeyhq/rekey/account"
)

// listing is a fault in pages.
func listing(do func(ctx context.Context, l account.Lister, after string, limit int) ([]account.Account, error)) func(*broken) {
	return func(b *broken) {
		b.list = func(ctx context.Context, after string, limit int) ([]account.Account, error) {
			return do(ctx, b.Harness.(account.Lister), after, limit)
		}
	}
}

// everybody is all accounts.
func everybody(ctx context.Context, l account.Lister) []account.Account {
	all, _ := l.Accounts(ctx, "", plenty)
	return all
}

func listFaults() []fault {
	paged := func(change func(page []account.Account) []account.Account) func(*broken) {
		return listing(func(ctx context.Context, l account.Lister, after string, limit int) ([]account.Account, error) {
			page, err := l.Accounts(ctx, after, limit)
			return change(page), err
		})
	}
	return []fault{
		{"accounts/list", "leaves out closed accounts", listing(func(ctx context.Context, l account.Lister, after string, limit int) ([]account.Account, error) {
			all := slices.DeleteFunc(everybody(ctx, l), func(a account.Account) bool { return a.Disabled || strings.Compare(a.ID, after) <= 0 })
			return all[:min(limit, len(all))], nil
		})},
		{"accounts/list", "leaves out the last account", listing(func(ctx context.Context, l account.Lister, after string, limit int) ([]account.Account, error) {
			page, err := l.Accounts(ctx, after, limit+1)
			return page[:max(0, len(page)-1)], err
		})},
		{"accounts/list", "ignores the limit", listing(func(ctx context.Context, l account.Lister, after string, _ int) ([]account.Account, error) {
			return l.Accounts(ctx, after, plenty)
		})},
		{"accounts/list", "lists the last one again", listing(func(ctx context.Context, l account.Lister, after string, limit int) ([]account.Account, error) {
			page, err := l.Accounts(ctx, after, limit)
			if a, readErr := l.(account.Store).Account(ctx, after); readErr == nil && len(page) > 0 {
				page = slices.Insert(page, 0, a)[:min(limit, len(page)+1)]
			}
			return page, err
		})},
		{"accounts/list", "begins again", listing(func(ctx context.Context, l account.Lister, _ string, limit int) ([]account.Account, error) {
			return l.Accounts(ctx, "", limit)
		})},
		{"accounts/list", "has another order in long pages", paged(func(page []account.Account) []account.Account {
			if len(page) > 10 {
				slices.Reverse(page[:5])
			}
			return page
		})},
		{"accounts/list", "leaves out fields", paged(func(page []account.Account) []account.Account {
			for i := range page {
				page[i].Notify = nil
			}
			return page
		})},
		{"accounts/list, changing", "counts in place of comparing", func(b *broken) {
			seen := 0
			b.list = func(ctx context.Context, after string, limit int) ([]account.Account, error) {
				if after == "" {
					seen = 0
				}
				all := everybody(ctx, b.Harness.(account.Lister))
				page := all[min(seen, len(all)):min(seen+limit, len(all))]
				seen += len(page)
				return page, nil
			}
		}},
		{"accounts/list, changing", "looks for the account of the page before", listing(func(ctx context.Context, l account.Lister, after string, limit int) ([]account.Account, error) {
			if _, err := l.(account.Store).Account(ctx, after); after != "" && err != nil {
				return nil, err
			}
			return l.Accounts(ctx, after, limit)
		})},
		{"accounts/list, changing", "is in the order of addresses", func(b *broken) {
			last := ""
			b.list = func(ctx context.Context, after string, limit int) ([]account.Account, error) {
				all := everybody(ctx, b.Harness.(account.Lister))
				slices.SortFunc(all, func(x, y account.Account) int { return strings.Compare(x.Address, y.Address) })
				all = slices.DeleteFunc(all, func(a account.Account) bool { return after != "" && a.Address <= last })
				page := all[:min(limit, len(all))]
				if len(page) > 0 {
					last = page[len(page)-1].Address
				}
				return page, nil
			}
		}},
	}
}
