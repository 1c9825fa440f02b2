package bolt

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// applied remembers a submission, so that its repetition is known.
type applied struct {
	AccountID string
	Run       string
	At        time.Time
}

// ChangePassword implements [account.Store].
func (s *Store) ChangePassword(ctx context.Context, c account.Change) (owner string, err error) {
	var refusal error
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		owner, refusal = "", nil
		var before applied
		switch ok, err := get(tx, bucketSubmissions, []byte(c.Submission), &before); {
		case err != nil:
			return err
		case ok && before.Run != c.Run:
			return account.ErrTokenUnknown
		case ok:
			owner = before.AccountID
			return nil
		}
		var t account.Token
		ok, err := get(tx, bucketTokens, c.Token[:], &t)
		if err != nil {
			return err
		}
		if !ok || t.Scope != account.ScopePasswordReset || t.Run != c.Run {
			return account.ErrTokenUnknown
		}
		a, err := allowed(tx, t)
		if errors.Is(err, account.ErrRefused) {
			refusal = err // the transaction commits: the refusal is in the audit log
			return audit(tx, account.Entry{
				At: c.At, Event: account.EventChangeRefused, Run: c.Run, AccountID: t.AccountID, Detail: err.Error(),
			})
		}
		if err != nil {
			return err
		}
		owner = a.ID
		return apply(tx, a, c)
	})
	if err == nil && refusal != nil {
		return "", refusal
	}
	return owner, err
}

// allowed returns the account of a token record if it is still what it was when the
// mail went out.
func allowed(tx *bbolt.Tx, t account.Token) (account.Account, error) {
	a, err := read(tx, t.AccountID)
	if errors.Is(err, account.ErrNotFound) {
		return a, account.ErrAccountGone
	}
	if err != nil {
		return a, err
	}
	now := account.CredentialDigest(a.Credential)
	switch {
	case a.Disabled || !a.Resettable || a.Credential == "":
		return a, account.ErrNotResettable
	case !account.SameAddress(a.Address, t.Address):
		return a, account.ErrAddressChanged
	case subtle.ConstantTimeCompare(now[:], t.Credential[:]) != 1:
		return a, account.ErrCredentialChanged
	}
	return a, nil
}

// apply is the change itself.
func apply(tx *bbolt.Tx, a account.Account, c account.Change) error {
	a.Credential = c.Hash
	if err := put(tx, bucketAccounts, []byte(a.ID), a); err != nil {
		return err
	}
	if err := dropAll(tx, bucketAccountTokens, bucketTokens, a.ID); err != nil {
		return err
	}
	if err := dropAll(tx, bucketAccountSessions, bucketSessions, a.ID); err != nil {
		return err
	}
	if err := put(tx, bucketSubmissions, []byte(c.Submission), applied{a.ID, c.Run, c.At}); err != nil {
		return err
	}
	return audit(tx, account.Entry{
		At: c.At, Event: account.EventPasswordChanged, Run: c.Run, AccountID: a.ID,
	})
}
