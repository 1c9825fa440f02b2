package bolt_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/account/storetest"
)

func openAt(tb testing.TB, path string) *bolt.Store {
	tb.Helper()
	s, err := bolt.Open(path)
	must(tb, err)
	tb.Cleanup(func() { must(tb, s.Close()) })
	return s
}

func open(tb testing.TB) *bolt.Store {
	tb.Helper()
	return openAt(tb, filepath.Join(tb.TempDir(), "accounts.db"))
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func issue(ctx context.Context, s *bolt.Store, t account.TokenRecord, limit int) error {
	_, err := s.IssueToken(ctx, t, limit)
	return err
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		t.Helper()
		return open(t)
	})
}

func ann() account.Account {
	return account.Account{ID: "ann", Address: "ann@example.com", Credential: "$argon2id$old", Resettable: true}
}

// tokenOf is a record of a mail to an account.
func tokenOf(a account.Account, key byte) account.TokenRecord {
	at := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	return account.TokenRecord{
		Key: account.RecordKey{key}, Scope: account.ScopePasswordReset, AccountID: a.ID, Address: a.Address,
		Credential: account.CredentialDigest(a.Credential), Run: "run", Mail: "mail",
		Issued: at, Expires: at.Add(30 * time.Minute),
	}
}

func changeBy(t account.TokenRecord) account.Change {
	return account.Change{Record: t.Key, Submission: "submission", Run: t.Run, Hash: "$argon2id$new", At: t.Issued}
}

// security 23: written data is there after a stop, also the data that makes a repetition one.
func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	token := tokenOf(ann(), 1)
	for _, step := range []func(*bolt.Store) error{
		func(s *bolt.Store) error { return s.Put(t.Context(), ann()) },
		func(s *bolt.Store) error { return issue(t.Context(), s, token, 1) },
		func(s *bolt.Store) error { _, err := s.ChangePassword(t.Context(), changeBy(token)); return err },
		func(s *bolt.Store) error { _, err := s.ChangePassword(t.Context(), changeBy(token)); return err },
	} {
		s, err := bolt.Open(path)
		must(t, err)
		must(t, step(s))
		must(t, s.Close())
	}
	got, err := openAt(t, path).Account(t.Context(), "ann")
	must(t, err)
	if got.Credential != "$argon2id$new" {
		t.Errorf("credential %q", got.Credential)
	}
}

func TestFileIsForItsOwner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	openAt(t, path)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// One process owns a file. The error of the second one tells the remedy.
func TestLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	openAt(t, path)
	_, err := bolt.Open(path)
	if !errors.Is(err, bolt.ErrLocked) || !strings.Contains(err.Error(), "one at a time") {
		t.Errorf("error %v", err)
	}
}

// A worker that takes over from one that is stopping waits for the file.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	first, err := bolt.Open(path)
	must(t, err)
	taken := make(chan error)
	go func() {
		second, err := bolt.Open(path)
		if err == nil {
			err = second.Close()
		}
		taken <- err
	}()
	must(t, first.Close())
	must(t, <-taken)
}

// A file of a newer release is neither read nor touched.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	db, err := bbolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket([]byte("meta"))
		must(t, err)
		return meta.Put([]byte("schema"), []byte("2"))
	}))
	must(t, db.Close())
	for range 2 { // the second time shows that the first one has closed the file
		if _, err := bolt.Open(path); !errors.Is(err, bolt.ErrSchema) || !strings.Contains(err.Error(), `schema "2", want "1"`) {
			t.Errorf("error %v", err)
		}
	}
}

func TestOpenFails(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	garbage := filepath.Join(folder, "garbage")
	must(t, os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600))
	for _, path := range []string{garbage, folder, filepath.Join(folder, "missing", "accounts.db")} {
		if _, err := bolt.Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", filepath.Base(path), err)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "accounts.db"))
	must(t, err)
	must(t, s.Close())
	_, find := s.Find(t.Context(), "ann@example.com")
	if put := s.Put(t.Context(), ann()); find == nil || put == nil {
		t.Errorf("find %v, put %v", find, put)
	}
}
