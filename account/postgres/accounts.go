package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// Accounts is a store for an application that keeps its accounts in rekey's own tables. It adds
// accounts and sessions.
type Accounts struct{ *Store }

// OpenAccounts is [Open] for such an application.
func OpenAccounts(ctx context.Context, cfg Config) (*Accounts, error) {
	if cfg.Users != nil {
		return nil, errors.New("only the application may write accounts of a table of users")
	}
	s, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &Accounts{s}, nil
}

// errID means that an account ID cannot be kept.
var errID = errors.New("an account ID must not be empty or hold a NUL byte")

// Put creates an account or replaces the whole of it, its credential included. Its address
// must be a mail address; several accounts may have the same one, though none of them can
// be reset then.
func (s *Accounts) Put(ctx context.Context, a account.Account) error {
	return s.PutMany(ctx, []account.Account{a})
}

// PutMany is Put for many accounts: all of them are written, or none.
func (s *Accounts) PutMany(ctx context.Context, accounts []account.Account) error {
	batch := &pgx.Batch{}
	for _, a := range accounts {
		if a.ID == "" || strings.ContainsRune(a.ID, 0) {
			return errID
		}
		if _, err := account.ParseAddress(a.Address); err != nil {
			return fmt.Errorf("account %s: %w", a.ID, err)
		}
		notify := append([]string{}, a.Notify...) // none is no NULL
		batch.Queue(`INSERT INTO rekey.accounts (id, address, notify, credential, disabled, resettable, locale)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (id) DO UPDATE SET (address, notify, credential, disabled, resettable, locale) =
				(excluded.address, excluded.notify, excluded.credential, excluded.disabled, excluded.resettable, excluded.locale)`,
			a.ID, a.Address, notify, a.Credential, a.Disabled, a.Resettable, account.ParseLocale(a.Locale))
	}
	return s.update(ctx, func(tx pgx.Tx) error { return tx.SendBatch(ctx, batch).Close() })
}

// Delete removes an account and its sessions. Its mailed links are refused from then on.
// Errors: account.ErrNotFound.
func (s *Accounts) Delete(ctx context.Context, id string) error {
	return s.update(ctx, func(tx pgx.Tx) error {
		gone, err := exec(ctx, tx, `DELETE FROM rekey.accounts WHERE id = $1`, id)
		if err == nil && gone == 0 {
			err = account.ErrNotFound
		}
		return err
	})
}
