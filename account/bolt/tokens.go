package bolt

import (
	"context"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// IssueToken implements [account.Store].
func (s *Store) IssueToken(ctx context.Context, t account.Token, limit int) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		if err := countMail(tx, t, limit); err != nil {
			return err
		}
		if err := put(tx, bucketTokens, t.Key[:], t); err != nil {
			return err
		}
		if err := tx.Bucket(bucketAccountTokens).Put(pair(t.AccountID, t.Key[:]), nil); err != nil {
			return err
		}
		return audit(tx, account.Entry{
			At: t.Issued, Event: account.EventMailIssued, Run: t.Run, AccountID: t.AccountID,
			Client: t.Client, Operator: t.Operator,
		})
	})
}

// countMail notes a mail unless the account has had its mails of the last 24 hours.
func countMail(tx *bbolt.Tx, t account.Token, limit int) error {
	mails, others := tx.Bucket(bucketMails), 0
	for _, mail := range members(tx, bucketMails, t.AccountID) {
		at, err := decodeTime(mails.Get(pair(t.AccountID, mail)))
		if err != nil {
			return err
		}
		if string(mail) != t.Mail && t.Issued.Sub(at) < 24*time.Hour {
			others++
		}
	}
	if others >= limit {
		return account.ErrMailLimit
	}
	key := pair(t.AccountID, []byte(t.Mail))
	if mails.Get(key) != nil {
		return nil // another attempt
	}
	return mails.Put(key, []byte(t.Issued.UTC().Format(time.RFC3339Nano)))
}

// RevokeToken implements [account.Store].
func (s *Store) RevokeToken(ctx context.Context, key [32]byte, at time.Time) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		var t account.Token
		ok, err := get(tx, bucketTokens, key[:], &t)
		if err != nil || !ok {
			return err
		}
		if err := dropToken(tx, t); err != nil {
			return err
		}
		return audit(tx, account.Entry{
			At: at, Event: account.EventMailRevoked, Run: t.Run, AccountID: t.AccountID,
			Client: t.Client, Operator: t.Operator,
		})
	})
}

func dropToken(tx *bbolt.Tx, t account.Token) error {
	if err := tx.Bucket(bucketTokens).Delete(t.Key[:]); err != nil {
		return err
	}
	return tx.Bucket(bucketAccountTokens).Delete(pair(t.AccountID, t.Key[:]))
}
