package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/failpoint"
)

// Block implements [account.Store].
func (s *Store) Block(ctx context.Context, b account.Block) error {
	var refusal error
	err := s.update(ctx, func(tx pgx.Tx) (err error) {
		refusal, err = s.block(ctx, tx, b)
		return err
	})
	switch {
	case never(err) != nil:
		return never(err)
	case err == nil && refusal == nil:
		failpoint.Hit(failpoint.AfterCommit)
	case err == nil:
		err = refusal
	}
	return err
}

// block is the transaction. A refusal has changed nothing, and is no fault of the database.
func (s *Store) block(ctx context.Context, tx pgx.Tx, b account.Block) (refusal, err error) {
	if err := lock(ctx, tx, b.AccountID); err != nil {
		return nil, err
	}
	a, err := one(tx.Query(ctx, s.users.lock, b.AccountID))
	if isNoID(err) || errors.Is(err, account.ErrNotFound) {
		return nil, account.ErrAccountGone
	}
	if err != nil {
		return nil, err
	}
	hash, refusal := b.Instead(a)
	if refusal != nil {
		return refusal, nil
	}
	if err := s.set(ctx, tx, s.users.set, hash, a.ID); err != nil {
		return nil, err
	}
	if a.Credential != hash {
		err = noteBlock(ctx, tx, b, hash)
	}
	failpoint.Hit(failpoint.BeforeCommit)
	return nil, err
}

// set writes the hash of an account and ends its sessions. A column or a trigger that ends them does
// so with each write.
func (s *Store) set(ctx context.Context, tx pgx.Tx, statement, hash, id string) error {
	if err := s.write(ctx, tx, statement, hash, id); err != nil || s.users.endSessions == "" {
		return err
	}
	_, err := exec(ctx, tx, s.users.endSessions, id)
	return err
}

// Blocked implements [account.HostLedger].
func (s *Store) Blocked(ctx context.Context, b account.Block, hash string) error {
	return s.update(ctx, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, b.AccountID); err != nil {
			return err
		}
		return noteBlock(ctx, tx, b, hash)
	})
}

// noteBlock is what the ledger keeps of a block. Tokens of the new hash were mailed since.
func noteBlock(ctx context.Context, tx pgx.Tx, b account.Block, hash string) error {
	digest := account.CredentialDigest(hash)
	if _, err := exec(ctx, tx, `DELETE FROM rekey.tokens WHERE account_id = $1 AND credential <> $2`, b.AccountID, digest[:]); err != nil {
		return err
	}
	if err := rememberOrder(ctx, tx, b); err != nil {
		return err
	}
	return audit(ctx, tx, b.Entry())
}

func rememberOrder(ctx context.Context, tx pgx.Tx, b account.Block) error {
	c := b.Remembered()
	_, known, err := repeated(ctx, tx, c)
	if known || err != nil || b.Order == "" {
		return err
	}
	return remember(ctx, tx, b.AccountID, c, account.Debt{})
}
