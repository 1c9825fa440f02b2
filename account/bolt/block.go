package bolt

import (
	"bytes"
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/failpoint"
)

// Block implements [account.Store].
func (s *Store) Block(ctx context.Context, b account.Block) error {
	err := s.update(ctx, func(tx *bbolt.Tx) error {
		a, err := read(tx, b.AccountID)
		if errors.Is(err, account.ErrNotFound) {
			err = account.ErrAccountGone
		}
		if err != nil {
			return err
		}
		hash, err := b.Instead(a)
		if err != nil {
			return err
		}
		return block(tx, b, a, hash)
	})
	if err == nil {
		failpoint.Hit(failpoint.AfterCommit)
	}
	return err
}

// block is the change itself. Sessions of an account that was blocked before end again.
func block(tx *bbolt.Tx, b account.Block, a account.Account, hash string) error {
	if err := dropAll(tx, bucketAccountSessions, bucketSessions, a.ID); err != nil {
		return err
	}
	if a.Credential == hash {
		return nil
	}
	a.Credential = hash
	if err := put(tx, bucketAccounts, []byte(a.ID), a); err != nil {
		return err
	}
	if err := noteBlock(tx, b, hash); err != nil {
		return err
	}
	failpoint.Hit(failpoint.BeforeCommit)
	return nil
}

// Blocked implements [account.HostLedger].
func (s *Store) Blocked(ctx context.Context, b account.Block, hash string) error {
	return s.update(ctx, func(tx *bbolt.Tx) error { return noteBlock(tx, b, hash) })
}

// noteBlock is what the ledger keeps of a block. Tokens of the new hash were mailed since.
func noteBlock(tx *bbolt.Tx, b account.Block, hash string) error {
	stale := func(t account.TokenRecord) bool { return !account.SameCredential(hash, t.Credential[:]) }
	if err := dropTokens(tx, b.AccountID, stale); err != nil {
		return err
	}
	if c := b.Remembered(); b.Order != "" {
		if err := remember(tx, c.Submission, applied{b.AccountID, c.Run, c.At, &account.Debt{}}); err != nil {
			return err
		}
	}
	return audit(tx, b.Entry())
}

var _ account.Lister = (*Store)(nil)

// Accounts implements [account.Lister]. The order is that of the bytes of the IDs.
func (s *Store) Accounts(ctx context.Context, after string, limit int) (page []account.Account, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketAccounts).Cursor()
		k, v := c.Seek([]byte(after))
		if after != "" && bytes.Equal(k, []byte(after)) {
			k, v = c.Next()
		}
		for ; k != nil && len(page) < limit; k, v = c.Next() {
			var a account.Account
			if err := decode(v, &a); err != nil {
				return err
			}
			page = append(page, a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}
