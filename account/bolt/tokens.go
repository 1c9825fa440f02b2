package bolt

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// IssueToken implements [account.Store].
func (s *Store) IssueToken(ctx context.Context, t account.TokenRecord, limit int) (issued account.Issued, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) (err error) {
		if issued, err = countMail(tx, t, limit); err != nil {
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
	return issued, err
}

// countMail notes a mail, or a copy of one, unless the account or the mail has had enough.
func countMail(tx *bbolt.Tx, t account.TokenRecord, limit int) (account.Issued, error) {
	out, err := copies(tx, t)
	if err != nil {
		return account.Issued{}, err
	}
	counted, err := countedMails(tx, t.AccountID)
	if err != nil {
		return account.Issued{}, err
	}
	name, issued, err := t.Judge(out, counted, limit)
	if err != nil {
		return issued, err
	}
	mails, key := tx.Bucket(bucketMails), pair(t.AccountID, []byte(name))
	if mails.Get(key) != nil {
		return issued, nil // another attempt
	}
	return issued, mails.Put(key, []byte(t.Issued.UTC().Format(time.RFC3339Nano)))
}

// Complained implements [account.Store].
func (s *Store) Complained(ctx context.Context, e account.Entry) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		c := account.Complaint(e.At)
		err := tx.Bucket(bucketMails).Put(pair(e.AccountID, []byte(c.Name)), []byte(c.At.Format(time.RFC3339Nano)))
		return errors.Join(err, audit(tx, e))
	})
}

// copies are the other tokens of a mail.
func copies(tx *bbolt.Tx, t account.TokenRecord) (out []account.TokenRecord, err error) {
	for _, key := range members(tx, bucketAccountTokens, t.AccountID) {
		var other account.TokenRecord
		if _, err := get(tx, bucketTokens, key, &other); err != nil {
			return nil, err
		}
		if other.Mail == t.Mail && other.Key != t.Key {
			out = append(out, other)
		}
	}
	return out, nil
}

func countedMails(tx *bbolt.Tx, accountID string) (counted []account.Counted, err error) {
	for _, name := range members(tx, bucketMails, accountID) {
		at, err := decodeTime(tx.Bucket(bucketMails).Get(pair(accountID, name)))
		if err != nil {
			return nil, err
		}
		counted = append(counted, account.Counted{Name: string(name), At: at})
	}
	return counted, nil
}

// RevokeToken implements [account.Store].
func (s *Store) RevokeToken(ctx context.Context, key account.RecordKey, at time.Time) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		var t account.TokenRecord
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

func dropToken(tx *bbolt.Tx, t account.TokenRecord) error {
	if err := tx.Bucket(bucketTokens).Delete(t.Key[:]); err != nil {
		return err
	}
	return tx.Bucket(bucketAccountTokens).Delete(pair(t.AccountID, t.Key[:]))
}

// dropTokens deletes some of the tokens of an account.
func dropTokens(tx *bbolt.Tx, id string, which func(account.TokenRecord) bool) error {
	for _, key := range members(tx, bucketAccountTokens, id) {
		var t account.TokenRecord
		if _, err := get(tx, bucketTokens, key, &t); err != nil {
			return err
		}
		if !which(t) {
			continue
		}
		if err := dropToken(tx, t); err != nil {
			return err
		}
	}
	return nil
}
