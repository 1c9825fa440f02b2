package bolt_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account/bolt"
)

// putOther makes the bbolt file of another program.
func putOther(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("other")); return err }))
	must(t, db.Close())
}

// A mistyped path must not make accounts unknown, so no file is made.
func TestOpenExisting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	if _, err := bolt.OpenExisting(path); !errors.Is(err, bolt.ErrMissing) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file was made: %v", err)
	}
	must(t, os.WriteFile(path, nil, 0o600))
	if _, err := bolt.OpenExisting(path); !errors.Is(err, bolt.ErrMissing) {
		t.Errorf("an empty file: %v", err)
	}
	s, err := bolt.Open(path)
	must(t, err)
	must(t, s.Put(t.Context(), ann()))
	must(t, s.Close())
	s, err = bolt.OpenExisting(path)
	must(t, err)
	_, err = s.Account(t.Context(), ann().ID)
	must(t, errors.Join(err, s.Close()))
}

// The bbolt file of another program stays as it is.
func TestOpenAnothers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "other.db")
	putOther(t, path)
	for _, open := range []func(string) (*bolt.Store, error){bolt.Open, bolt.OpenExisting} {
		if _, err := open(path); !errors.Is(err, bolt.ErrDamaged) {
			t.Errorf("error %v", err)
		}
	}
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	defer db.Close()
	must(t, db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bbolt.Bucket) error {
			if string(name) != "other" {
				t.Errorf("bucket %q was made", name)
			}
			return nil
		})
	}))
}
