package bolt

import (
	"context"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// Record implements [account.Store].
func (s *Store) Record(ctx context.Context, e account.Entry) error {
	return s.update(ctx, func(tx *bbolt.Tx) error { return audit(tx, e) })
}

// Audit returns the audit log of an account, oldest first; of the empty ID, what was
// logged without an account. It reads the whole log.
func (s *Store) Audit(ctx context.Context, accountID string) ([]account.Entry, error) {
	var found []account.Entry
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketAudit).ForEach(func(_, v []byte) error {
			var e account.Entry
			if err := decode(v, &e); err != nil {
				return err
			}
			if e.AccountID == accountID {
				found = append(found, e)
			}
			return nil
		})
	})
	return found, err
}

func audit(tx *bbolt.Tx, e account.Entry) error {
	n, err := tx.Bucket(bucketAudit).NextSequence()
	if err != nil {
		return err
	}
	return put(tx, bucketAudit, binary.BigEndian.AppendUint64(nil, n), e)
}
