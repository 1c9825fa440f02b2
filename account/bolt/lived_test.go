package bolt

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func issue(ctx context.Context, s *Store, t account.TokenRecord, limit int) error {
	_, err := s.IssueToken(ctx, t, limit)
	return err
}

// lived opens a store in which everything has an entry: one account's password was
// changed, and another one has a link and a session.
func lived(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "accounts.db"))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	noon := time.Date(2026, 1, 2, 12, 0, 0, 250e6, time.UTC)
	for i, id := range []string{"ann", "bob"} {
		a := account.Account{ID: id, Address: id + "@example.com", Credential: "old", Resettable: true}
		must(t, s.Put(t.Context(), a))
		tok := account.TokenRecord{
			Key: account.RecordKey(bytes.Repeat([]byte{byte('k' + i)}, 32)), Scope: account.ScopePasswordReset, AccountID: id,
			Address: a.Address, Credential: account.CredentialDigest(a.Credential), Run: "run-" + id, Mail: "mail-" + id,
			Client: "198.51.100.7", Issued: noon, Expires: noon.Add(30 * time.Minute),
		}
		must(t, issue(t.Context(), s, tok, 1))
		if id == "ann" {
			_, err = s.ChangePassword(t.Context(), account.Change{
				Record: tok.Key, Submission: "submission", Run: tok.Run, Client: "198.51.100.9", Hash: "new", At: noon.Add(time.Minute),
			})
			must(t, err)
			continue
		}
		_, _, err = s.Begin(t.Context(), account.Change{Record: tok.Key, Submission: "submission begun", Run: tok.Run, Hash: "new", At: noon.Add(time.Minute)})
		must(t, err)
	}
	must(t, s.db.Update(func(tx *bbolt.Tx) error {
		return addSession(tx, []byte(strings.Repeat("s", 32)), "bob", "old")
	}))
	return s
}

// each calls f for every entry of the file, bucket by bucket.
func each(t *testing.T, s *Store, f func(bucket string, k, v []byte)) {
	t.Helper()
	must(t, s.db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				f(string(name), k, v)
				return nil
			})
		})
	}))
}
