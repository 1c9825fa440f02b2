package bolt

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

var _ account.Archive = (*Store)(nil)

// Forget implements [account.Archive]. It reads the whole audit log. The file keeps bytes of
// deleted data until its pages are used again.
func (s *Store) Forget(ctx context.Context, accountID string, by account.Entry) (f account.Forgotten, err error) {
	if accountID == "" {
		return f, errID
	}
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		switch _, err := read(tx, accountID); {
		case err == nil:
			return account.ErrAccountThere
		case !errors.Is(err, account.ErrNotFound):
			return err
		}
		if f, err = forget(tx, accountID); err != nil {
			return err
		}
		return audit(tx, account.Entry{At: by.At, Event: account.EventForgotten, Operator: by.Operator})
	})
	if err != nil {
		return account.Forgotten{}, err
	}
	return f, nil
}

func forget(tx *bbolt.Tx, owner string) (f account.Forgotten, err error) {
	f.Tokens = len(members(tx, bucketAccountTokens, owner))
	f.Sessions = len(members(tx, bucketAccountSessions, owner))
	mails := members(tx, bucketMails, owner)
	f.Mails = len(mails)
	for i, mail := range mails {
		mails[i] = pair(owner, mail)
	}
	err = errors.Join(
		dropAll(tx, bucketAccountTokens, bucketTokens, owner),
		dropAll(tx, bucketAccountSessions, bucketSessions, owner),
		deleteKeys(tx, bucketMails, mails),
	)
	if err != nil {
		return f, err
	}
	if _, err = dropBegun(tx, func(b account.Begun) bool { return b.Token.AccountID == owner }); err != nil {
		return f, err
	}
	f.Submissions, err = deleteIf(tx, bucketSubmissions, func(k, v []byte) (bool, error) {
		var a applied
		if err := decode(v, &a); err != nil || a.AccountID != owner {
			return false, err
		}
		return true, dropOwed(tx, k)
	})
	if err != nil {
		return f, err
	}
	f.Entries, err = deleteIf(tx, bucketAudit, func(_, v []byte) (bool, error) {
		var e account.Entry
		err := decode(v, &e)
		return e.AccountID == owner, err
	})
	return f, err
}
