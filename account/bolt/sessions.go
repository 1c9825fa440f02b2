package bolt

import (
	"context"
	"crypto/rand"
	"crypto/sha256"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// session is the record of a signed-in browser. It counts only while the account has the
// credential it was made under. So a sign-in that races a password change holds nothing after
// it.
type session struct {
	AccountID  string
	Credential [32]byte
}

// NewSession signs an account in under the credential that was just verified. It returns the
// session ID for a cookie: 130 random bits, of which the file holds a hash. Errors:
// account.ErrNotFound.
func (s *Store) NewSession(ctx context.Context, accountID, credential string) (string, error) {
	sid := rand.Text()
	key := sha256.Sum256([]byte(sid))
	err := s.update(ctx, func(tx *bbolt.Tx) error {
		if _, err := read(tx, accountID); err != nil {
			return err
		}
		return addSession(tx, key[:], accountID, credential)
	})
	if err != nil {
		return "", err
	}
	return sid, nil
}

func addSession(tx *bbolt.Tx, key []byte, accountID, credential string) error {
	if err := tx.Bucket(bucketAccountSessions).Put(pair(accountID, key), nil); err != nil {
		return err
	}
	return put(tx, bucketSessions, key, session{accountID, account.CredentialDigest(credential)})
}

// Session returns the account of a session. Errors: account.ErrNotFound when there is none.
func (s *Store) Session(ctx context.Context, sid string) (a account.Account, err error) {
	key := sha256.Sum256([]byte(sid))
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		var open session
		ok, err := get(tx, bucketSessions, key[:], &open)
		if err != nil {
			return err
		}
		if !ok {
			return account.ErrNotFound
		}
		if a, err = read(tx, open.AccountID); err != nil {
			return err
		}
		if a.Disabled || !account.SameCredential(a.Credential, open.Credential[:]) {
			return account.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return account.Account{}, err
	}
	return a, nil
}

// EndSession signs out. A session that is not there is no error.
func (s *Store) EndSession(ctx context.Context, sid string) error {
	key := sha256.Sum256([]byte(sid))
	return s.update(ctx, func(tx *bbolt.Tx) error {
		var open session
		ok, err := get(tx, bucketSessions, key[:], &open)
		if err != nil || !ok {
			return err
		}
		if err := tx.Bucket(bucketAccountSessions).Delete(pair(open.AccountID, key[:])); err != nil {
			return err
		}
		return tx.Bucket(bucketSessions).Delete(key[:])
	})
}
