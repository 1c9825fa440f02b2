package bolt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	s := open(t)
	must(t, s.Put(t.Context(), ann()))
	first, err := s.NewSession(t.Context(), "ann", ann().Credential)
	must(t, err)
	second, err := s.NewSession(t.Context(), "ann", ann().Credential)
	must(t, err)

	wantSession(t, s, first, "ann")
	must(t, s.EndSession(t.Context(), first))
	must(t, s.EndSession(t.Context(), first))
	must(t, s.EndSession(t.Context(), "of nobody"))
	wantSession(t, s, first, "")
	wantSession(t, s, "", "")
	wantSession(t, s, second, "ann")

	if _, err := s.NewSession(t.Context(), "bob", ""); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("a session of nobody: %v", err)
	}
}

// security 17, 18: a session ends with its credential, also when the host application changes
// that itself.
func TestSessionEndsWithTheCredential(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*account.Account){
		"password changed": func(a *account.Account) { a.Credential = "$argon2id$own" },
		"disabled":         func(a *account.Account) { a.Disabled = true },
	} {
		s, a := open(t), ann()
		must(t, s.Put(t.Context(), a))
		sid, err := s.NewSession(t.Context(), a.ID, a.Credential)
		must(t, err)
		change(&a)
		must(t, s.Put(t.Context(), a))
		t.Log(what)
		wantSession(t, s, sid, "")
	}
}

// A copy of the file opens no session.
func TestFileHoldsNoSessionID(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	s := openAt(t, path)
	must(t, s.Put(t.Context(), ann()))
	sid, err := s.NewSession(t.Context(), "ann", ann().Credential)
	must(t, err)
	file, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Contains(file, []byte("$argon2id$old")) {
		t.Error("the file is not read as it is written")
	}
	if bytes.Contains(file, []byte(sid)) || len(sid) < 26 {
		t.Error("the session ID is in the file, or short")
	}
}

// wantSession checks the account of a session; an empty want means none.
func wantSession(t *testing.T, s *bolt.Store, sid, want string) {
	t.Helper()
	got, err := s.Session(t.Context(), sid)
	if got.ID != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, account.ErrNotFound) {
		t.Errorf("session of %q, %v, want %q", got.ID, err, want)
	}
}
