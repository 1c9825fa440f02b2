package bolt

import (
	"context"
	"errors"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/failpoint"
)

var _ account.HostLedger = (*Store)(nil)

// bucketBegun has the submissions that a host may have applied; made when needed.
var bucketBegun = []byte("begun")

// Begin implements [account.HostLedger].
func (s *Store) Begin(ctx context.Context, c account.Change) (t account.TokenRecord, applied bool, err error) {
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		if t.AccountID, applied, err = repeated(tx, c); applied || err != nil {
			return err
		}
		t, err = begin(tx, c)
		return err
	})
	if err != nil {
		return account.TokenRecord{}, false, err
	}
	return t, applied, nil
}

func begin(tx *bbolt.Tx, c account.Change) (account.TokenRecord, error) {
	bucket, err := tx.CreateBucketIfNotExists(bucketBegun)
	if err != nil {
		return account.TokenRecord{}, err
	}
	if known := bucket.Get([]byte(c.Submission)); known != nil {
		var b account.Begun
		if err := decode(known, &b); err != nil {
			return account.TokenRecord{}, err
		}
		if c.Takes(b.Token) != nil || b.Ended {
			return account.TokenRecord{}, account.ErrTokenUnknown
		}
		b.Change.At = c.At
		return b.Token, put(tx, bucketBegun, []byte(c.Submission), b)
	}
	t, err := record(tx, c)
	if err != nil {
		return t, err
	}
	return t, put(tx, bucketBegun, []byte(c.Submission), account.NewBegun(t, c))
}

// Finish implements [account.HostLedger].
func (s *Store) Finish(ctx context.Context, c account.Change, a account.Account) error {
	err := s.update(ctx, func(tx *bbolt.Tx) error {
		if _, applied, err := repeated(tx, c); applied || err != nil {
			return err
		}
		if begun := tx.Bucket(bucketBegun); begun != nil {
			if err := begun.Delete([]byte(c.Submission)); err != nil {
				return err
			}
		}
		return note(tx, a, c)
	})
	if err == nil {
		failpoint.Hit(failpoint.AfterCommit)
	}
	return err
}

// Begun implements [account.HostLedger].
func (s *Store) Begun(ctx context.Context, run string) (found []account.Begun, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		return eachBegun(tx, func(b account.Begun) {
			if run == "" || b.Change.Run == run {
				found = append(found, b)
			}
		})
	})
	return found, err
}

// eachBegun reads all of them. There are few: a change takes seconds, or a process died.
func eachBegun(tx *bbolt.Tx, do func(account.Begun)) error {
	if tx.Bucket(bucketBegun) == nil {
		return nil
	}
	return tx.Bucket(bucketBegun).ForEach(func(_, v []byte) error {
		var b account.Begun
		err := decode(v, &b)
		if err == nil {
			do(b)
		}
		return err
	})
}

// endBegun marks those of a run that has ended.
func endBegun(tx *bbolt.Tx, run string) error {
	var ended []account.Begun
	err := eachBegun(tx, func(b account.Begun) {
		if b.Change.Run == run && !b.Ended {
			b.Ended = true
			ended = append(ended, b)
		}
	})
	for _, b := range ended {
		err = errors.Join(err, put(tx, bucketBegun, []byte(b.Change.Submission), b))
	}
	return err
}

// dropBegun deletes those that old picks, and returns their number.
func dropBegun(tx *bbolt.Tx, old func(account.Begun) bool) (int, error) {
	if tx.Bucket(bucketBegun) == nil {
		return 0, nil
	}
	return deleteIf(tx, bucketBegun, func(_, v []byte) (bool, error) {
		var b account.Begun
		err := decode(v, &b)
		return err == nil && old(b), err
	})
}
