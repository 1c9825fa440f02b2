package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// NewSession signs an account in under the credential that was just verified. It returns the
// session ID for a cookie: 130 random bits, of which the database holds a hash. Errors:
// account.ErrNotFound; account.ErrCredentialChanged when the credential was changed since.
func (s *Accounts) NewSession(ctx context.Context, accountID, credential string) (string, error) {
	sid := rand.Text()
	key, digest := sha256.Sum256([]byte(sid)), account.CredentialDigest(credential)
	err := s.update(ctx, func(tx pgx.Tx) error {
		a, err := one(tx.Query(ctx, s.users.read+` FOR SHARE`, accountID))
		if err != nil {
			return err
		}
		if !account.SameCredential(a.Credential, digest[:]) {
			return account.ErrCredentialChanged
		}
		_, err = tx.Exec(ctx, `INSERT INTO rekey.sessions (key, account_id, credential) VALUES ($1, $2, $3)`, key[:], accountID, digest[:])
		return err
	})
	if err != nil {
		return "", err
	}
	return sid, nil
}

// Session returns the account of a session. Errors: account.ErrNotFound when there is none.
func (s *Accounts) Session(ctx context.Context, sid string) (account.Account, error) {
	key := sha256.Sum256([]byte(sid))
	var id string
	var credential []byte
	err := s.pool.QueryRow(ctx, `SELECT account_id, credential FROM rekey.sessions WHERE key = $1`, key[:]).Scan(&id, &credential)
	if errors.Is(err, pgx.ErrNoRows) {
		return account.Account{}, account.ErrNotFound
	}
	if err != nil {
		return account.Account{}, fault(err)
	}
	a, err := s.Account(ctx, id)
	if err == nil && (a.Disabled || !account.SameCredential(a.Credential, credential)) {
		return account.Account{}, account.ErrNotFound
	}
	return a, err
}

// EndSession signs out. A session that is not there is no error.
func (s *Accounts) EndSession(ctx context.Context, sid string) error {
	key := sha256.Sum256([]byte(sid))
	return s.update(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM rekey.sessions WHERE key = $1`, key[:])
		return err
	})
}
