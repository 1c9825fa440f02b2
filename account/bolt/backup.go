package bolt

import (
	"context"
	"errors"
	"os"

	"go.etcd.io/bbolt"
)

// Backup copies the file to another path while the store is open: all records as they were at one
// moment, for the owner only, and synced. The path must not exist. Other calls go on meanwhile, and
// the file may grow by the pages that they change. The copy is checked as [OpenExisting] checks a
// file. Errors: ErrDamaged, those of the disk; then an unfinished copy may be left.
func (s *Store) Backup(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(f)
		return err
	})
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	copied, err := OpenExisting(path) // no damaged copy may replace an older one that is good
	if err != nil {
		return err
	}
	return copied.Close()
}
