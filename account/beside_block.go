package account

import (
	"context"
	"errors"
)

// Block implements [Store]. The host changes the account before the ledger notes it. A crash between
// the two is repaired by the repetition of Block; the links of before are refused meanwhile, since
// the credential changed.
func (b *beside) Block(ctx context.Context, block Block) error {
	for range blockAttempts {
		hash, err := b.block(ctx, block)
		if err == nil {
			return b.Blocked(ctx, block, hash)
		}
		if !errors.Is(err, ErrCredentialChanged) {
			return err
		}
	}
	return errKeepsChanging
}

// block blocks the account at the host, as it is now. It returns the new hash.
func (b *beside) block(ctx context.Context, block Block) (string, error) {
	a, err := b.host.Account(ctx, block.AccountID)
	if errors.Is(err, ErrNotFound) {
		err = ErrAccountGone
	}
	if err != nil {
		return "", err
	}
	hash, err := block.Instead(a)
	if err != nil {
		return "", err
	}
	return hash, b.host.Change(ctx, block.change(a, hash))
}

// Accounts implements [Lister]. Errors: ErrNotListed.
func (b *beside) Accounts(ctx context.Context, after string, limit int) ([]Account, error) {
	l, ok := b.host.(Lister)
	if !ok {
		return nil, ErrNotListed
	}
	return l.Accounts(ctx, after, limit)
}
