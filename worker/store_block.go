package worker

import (
	"context"

	"github.com/rekeyhq/rekey/account"
)

// Block implements account.Store.
func (s watchedStore) Block(ctx context.Context, b account.Block) (err error) {
	ctx, end := s.begin(ctx, "block")
	defer end(&err)
	return s.Store.Block(ctx, b)
}

// Accounts implements account.Lister. Errors: account.ErrNotListed of a store that is none.
func (s watchedStore) Accounts(ctx context.Context, after string, limit int) (page []account.Account, err error) {
	ctx, end := s.begin(ctx, "accounts")
	defer end(&err)
	l, ok := s.Store.(account.Lister)
	if !ok {
		return nil, account.ErrNotListed
	}
	return l.Accounts(ctx, after, limit)
}
