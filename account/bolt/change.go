package bolt

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/failpoint"
)

// applied remembers a submission, so that its repetition is known.
type applied struct {
	AccountID string
	Run       string
	At        time.Time
	Debt      *account.Debt `json:",omitempty"` // nil for changes from before there were notices here
}

// ChangePassword implements [account.Store].
func (s *Store) ChangePassword(ctx context.Context, c account.Change) (owner string, err error) {
	var refusal error
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		before, done, err := repeated(tx, c)
		if done || err != nil {
			owner = before
			return err
		}
		t, err := record(tx, c)
		if err != nil {
			return err
		}
		owner = t.AccountID
		a, err := allowed(tx, t, c)
		if errors.Is(err, account.ErrRefused) {
			refusal = err // and commit, so that it is in the audit log
			return audit(tx, c.Entry(owner, account.EventChangeRefused, err.Error()))
		}
		if err != nil {
			return err
		}
		return apply(tx, a, c)
	})
	if err := cmp.Or(err, refusal); err != nil {
		return "", err
	}
	failpoint.Hit(failpoint.AfterCommit)
	return owner, nil
}

// repeated reports whether a submission was applied before, and to whom.
func repeated(tx *bbolt.Tx, c account.Change) (owner string, done bool, err error) {
	var before applied
	done, err = get(tx, bucketSubmissions, []byte(c.Submission), &before)
	if err == nil && done && before.Run != c.Run {
		err = account.ErrTokenUnknown
	}
	return before.AccountID, done, err
}

// record returns the record of the token that was submitted.
func record(tx *bbolt.Tx, c account.Change) (t account.TokenRecord, err error) {
	ok, err := get(tx, bucketTokens, c.Record[:], &t)
	if err == nil && !ok {
		err = account.ErrTokenUnknown
	}
	return t, cmp.Or(err, c.Takes(t))
}

// allowed returns the account of a token record if it has not changed since the mail. The new
// hash must have the form of the old one.
func allowed(tx *bbolt.Tx, t account.TokenRecord, c account.Change) (account.Account, error) {
	a, err := read(tx, t.AccountID)
	if errors.Is(err, account.ErrNotFound) {
		return a, account.ErrAccountGone
	}
	if err != nil {
		return a, err
	}
	return a, cmp.Or(t.Fits(a), c.Fits(a))
}

// apply is the change itself.
func apply(tx *bbolt.Tx, a account.Account, c account.Change) error {
	if err := dropAll(tx, bucketAccountSessions, bucketSessions, a.ID); err != nil {
		return err
	}
	if err := note(tx, a, c); err != nil {
		return err
	}
	a.Credential = c.Hash
	if err := put(tx, bucketAccounts, []byte(a.ID), a); err != nil {
		return err
	}
	failpoint.Hit(failpoint.BeforeCommit)
	return nil
}

// note is what the ledger keeps of a change.
func note(tx *bbolt.Tx, a account.Account, c account.Change) error {
	var err error
	if account.OfPassword(c.Wants()) {
		err = dropAll(tx, bucketAccountTokens, bucketTokens, a.ID)
	} else {
		err = dropTokens(tx, a.ID, func(t account.TokenRecord) bool { return t.Scope == c.Scope })
	}
	if err != nil {
		return err
	}
	debt := account.NewDebt(a, c)
	if err := remember(tx, c.Submission, applied{a.ID, c.Run, c.At, &debt}); err != nil {
		return err
	}
	return audit(tx, c.Applied(a.ID))
}
