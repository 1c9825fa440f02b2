package bolt

import (
	"context"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// Record implements [account.Store].
func (s *Store) Record(ctx context.Context, e account.Entry) error {
	return s.update(ctx, func(tx *bbolt.Tx) error { return audit(tx, e) })
}

// Audit returns the audit log of an account, oldest first. The empty ID selects entries without
// an account. It reads the whole log.
func (s *Store) Audit(ctx context.Context, accountID string) ([]account.Entry, error) {
	return s.Entries(ctx, account.Filter{AccountIDs: []string{accountID}})
}

// Entries implements [account.Archive]. It reads the log from its end.
func (s *Store) Entries(ctx context.Context, f account.Filter) (found []account.Entry, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketAudit).Cursor()
		for k, v := c.Last(); k != nil && (f.Last == 0 || len(found) < f.Last); k, v = c.Prev() {
			var e account.Entry
			if err := decode(v, &e); err != nil {
				return err
			}
			if f.Picks(e) {
				found = append(found, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(found)
	return found, nil
}

func audit(tx *bbolt.Tx, e account.Entry) error {
	n, err := tx.Bucket(bucketAudit).NextSequence()
	if err != nil {
		return err
	}
	return put(tx, bucketAudit, binary.BigEndian.AppendUint64(nil, n), e)
}
