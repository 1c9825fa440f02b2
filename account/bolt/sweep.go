package bolt

import (
	"bytes"
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// Sweep implements [account.Store]. It reads all that it may delete, in one transaction.
func (s *Store) Sweep(ctx context.Context, before time.Time) (swept int, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		for _, sweep := range []func(*bbolt.Tx, time.Time) (int, error){sweepTokens, sweepSubmissions, sweepMails, sweepBegun} {
			n, err := sweep(tx, before)
			if err != nil {
				return err
			}
			swept += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return swept, nil
}

const (
	// sweepBatch is how many lines of the audit log one transaction deletes at most.
	sweepBatch = 1000
	// sweepLook is how many newer lines in a row end a sweep. Lines are in the order of
	// writing, but a wrong clock may have written some. Lines of the future do not count.
	sweepLook = 1000
)

// SweepAudit implements [account.Store].
func (s *Store) SweepAudit(ctx context.Context, now time.Time, keep time.Duration) (swept int, err error) {
	before := now.Add(-keep)
	for {
		n := 0
		err := s.update(ctx, func(tx *bbolt.Tx) error {
			keys, err := oldEntries(tx, before, now)
			n = len(keys)
			return errors.Join(err, deleteKeys(tx, bucketAudit, keys))
		})
		if err != nil || n == 0 {
			return swept, err
		}
		swept += n
	}
}

// oldEntries are the keys of the next batch of lines to delete.
func oldEntries(tx *bbolt.Tx, before, now time.Time) (keys [][]byte, err error) {
	newer := 0
	c := tx.Bucket(bucketAudit).Cursor()
	for k, v := c.First(); k != nil && len(keys) < sweepBatch && newer < sweepLook; k, v = c.Next() {
		var e account.Entry
		if err := decode(v, &e); err != nil {
			return nil, err
		}
		switch {
		case e.At.Before(before):
			keys, newer = append(keys, bytes.Clone(k)), 0
		case !e.At.After(now):
			newer++
		}
	}
	return keys, nil
}

func deleteKeys(tx *bbolt.Tx, bucket []byte, keys [][]byte) error {
	for _, k := range keys {
		if err := tx.Bucket(bucket).Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func sweepTokens(tx *bbolt.Tx, before time.Time) (int, error) {
	return deleteIf(tx, bucketTokens, func(_, v []byte) (bool, error) {
		var t account.TokenRecord
		if err := decode(v, &t); err != nil || !t.Expires.Before(before) {
			return false, err
		}
		return true, tx.Bucket(bucketAccountTokens).Delete(pair(t.AccountID, t.Key[:]))
	})
}

func sweepSubmissions(tx *bbolt.Tx, before time.Time) (int, error) {
	return deleteIf(tx, bucketSubmissions, func(_, v []byte) (bool, error) {
		var a applied
		err := decode(v, &a)
		return a.At.Before(before) && !a.owes(), err
	})
}

func sweepBegun(tx *bbolt.Tx, before time.Time) (int, error) {
	return dropBegun(tx, func(b account.Begun) bool { return b.Change.At.Before(before) })
}

func sweepMails(tx *bbolt.Tx, before time.Time) (int, error) {
	return deleteIf(tx, bucketMails, func(_, v []byte) (bool, error) {
		at, err := decodeTime(v)
		return at.Before(before), err
	})
}

// deleteIf deletes the entries that old picks. It deletes after the walk, because a
// bbolt cursor loses its place over a deletion.
func deleteIf(tx *bbolt.Tx, bucket []byte, old func(k, v []byte) (bool, error)) (int, error) {
	var keys [][]byte
	err := tx.Bucket(bucket).ForEach(func(k, v []byte) error {
		ok, err := old(k, v)
		if ok {
			keys = append(keys, bytes.Clone(k))
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(keys), deleteKeys(tx, bucket, keys)
}
