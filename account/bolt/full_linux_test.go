package bolt_test

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

// limited calls f while no file may be written beyond so many bytes. The kernel refuses such a
// write as it does one to a full disk (with EFBIG for ENOSPC). It has then written the first
// bytes or none. The limit can be at each byte and holds for root too.
//
// The limit is the whole process's: a test that sets it must not be parallel.
func limited(t *testing.T, size int, f func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // or the first such write ends the process
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	now := before
	now.Cur = uint64(size)
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now))
	defer func() { must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)) }()
	f()
}

// state is all that a change of the password of ann changes.
type state struct {
	Account account.Account
	Signed  account.Account // signed in
	Audit   []account.Entry
	Swept   int // token records, counted mails, remembered submissions
}

func stateOf(t *testing.T, path, sid string) (now state) {
	t.Helper()
	s, err := bolt.OpenExisting(path)
	must(t, err)
	now.Account, err = s.Account(t.Context(), ann().ID)
	must(t, err)
	now.Signed, err = s.Session(t.Context(), sid)
	if err != nil && !errors.Is(err, account.ErrNotFound) {
		t.Fatal(err)
	}
	now.Audit, err = s.Audit(t.Context(), ann().ID)
	must(t, err)
	now.Swept, err = s.Sweep(t.Context(), tokenOf(ann(), 0).Expires.AddDate(1, 0, 0))
	must(t, errors.Join(err, s.Close()))
	return now
}

// A disk that is full, or that fails, at whatever byte of a transaction: it did nothing or
// all of it. The store goes on, and the same change is made once when there is room again.
//
// security 23: nothing is half done.
func TestDiskIsFull(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "accounts.db")
	token := tokenOf(ann(), 1)
	sid := fillUp(t, path, token)
	good, err := os.ReadFile(path)
	must(t, err)
	copied := func(name string, file []byte) string {
		at := filepath.Join(folder, name)
		must(t, os.WriteFile(at, file, 0o600))
		return at
	}
	before := stateOf(t, copied("before.db", good), sid)
	failed, limits := 0, 0
	for limit := 0; limit <= len(good)+pageSize; limit += pageSize / 2 { // also within a page
		limits++
		at := copied("full.db", good)
		s, err := bolt.OpenExisting(at)
		must(t, err)
		var full error
		limited(t, limit, func() { _, full = s.ChangePassword(t.Context(), changeBy(token)) })
		file, err := os.ReadFile(at)
		must(t, err)
		found := stateOf(t, copied("found.db", file), sid)
		if full != nil {
			failed++
			if errors.Is(full, bolt.ErrDamaged) || errors.Is(full, account.ErrTokenUnknown) || errors.Is(full, account.ErrRefused) {
				t.Fatalf("limit %d: %v", limit, full)
			}
			if diff := cmp.Diff(before, found); diff != "" {
				t.Errorf("limit %d: half done (-before +after):\n%s", limit, diff)
			}
		}
		for range 2 { // there is room again
			_, err = s.ChangePassword(t.Context(), changeBy(token))
			must(t, err)
		}
		must(t, s.Close())
		after := stateOf(t, at, sid)
		if after.Account.Credential != changeBy(token).Hash || after.Signed.ID != "" || len(after.Audit) != len(before.Audit)+1 {
			t.Errorf("limit %d: after the retry: %+v", limit, after)
		}
	}
	if failed < 10 || failed == limits {
		t.Errorf("%d of %d changes failed", failed, limits)
	}
}

// fillUp makes a file with ann, who is signed in and has a mailed token.
func fillUp(t *testing.T, path string, token account.TokenRecord) (sid string) {
	t.Helper()
	s, err := bolt.Open(path)
	must(t, err)
	must(t, s.Put(t.Context(), ann()))
	must(t, issue(t.Context(), s, token, 1))
	sid, err = s.NewSession(t.Context(), ann().ID, ann().Credential)
	must(t, errors.Join(err, s.Close()))
	return sid
}

// A file that this process may read only is refused when it is opened, also by root.
func TestReadOnlyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	s, err := bolt.Open(path)
	must(t, errors.Join(err, s.Close()))
	must(t, os.Chmod(path, 0o444))
	before, err := os.ReadFile(path)
	must(t, err)
	asNobody(t, path, func() { _, err = bolt.OpenExisting(path) })
	if !errors.Is(err, bolt.ErrReadOnly) {
		t.Errorf("error %v", err)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the file was changed")
	}
}

// asNobody calls f as a user to whom a file's mode applies. Root may do everything, but a
// thread of it may see files as another user.
func asNobody(t *testing.T, path string, f func()) {
	t.Helper()
	if os.Geteuid() == 0 {
		for dir := filepath.Dir(path); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			must(t, os.Chmod(dir, 0o755))
		}
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		must(t, syscall.Setfsuid(nobody))
		defer func() { must(t, syscall.Setfsuid(0)) }()
	}
	if _, err := os.ReadFile(path); err != nil {
		t.Fatalf("the file cannot even be read: %v", err)
	}
	f()
}

const nobody = 65534
