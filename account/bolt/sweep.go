package bolt

import (
	"bytes"
	"context"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// Sweep implements [account.Store]. It reads all that it may delete, in one transaction.
func (s *Store) Sweep(ctx context.Context, before time.Time) (swept int, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		for _, sweep := range []func(*bbolt.Tx, time.Time) (int, error){sweepTokens, sweepSubmissions, sweepMails} {
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

func sweepTokens(tx *bbolt.Tx, before time.Time) (int, error) {
	return deleteIf(tx, bucketTokens, func(_, v []byte) (bool, error) {
		var t account.Token
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
	for _, k := range keys {
		if err := tx.Bucket(bucket).Delete(k); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}
