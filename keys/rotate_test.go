package keys_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rekeyhq/rekey/keys"
)

var rotated = []keys.Use{keys.Link, keys.Payload, keys.Submission}

// exchange is a round trip between two processes with files of their own.
func exchange(t *testing.T, u keys.Use, from, to string) error {
	t.Helper()
	if u == keys.Payload {
		_, err := decode(codec(t, to), ours(seal(t, codec(t, from), "text")))
		return err
	}
	if u == keys.Submission {
		sealed, err := sealer(t, from).Seal(newPassword(), run)
		check(t, err)
		_, err = opener(t, to).Open(sealed, run)
		return err
	}
	seals, err := open(from).Link()
	check(t, err)
	opens, err := open(to).Link()
	check(t, err)
	sealed, err := seals.Encrypt([]byte("text"), nil)
	check(t, err)
	_, err = opens.Decrypt(sealed, nil)
	return err
}

// security 37: at each step of a rotation, processes that have taken it and processes
// that have not yet understand each other, both ways.
func TestRotation(t *testing.T) {
	t.Parallel()
	for _, u := range rotated {
		t.Run(string(u), func(t *testing.T) {
			t.Parallel()
			dir := newKeys(t)
			first := primary(t, dir, u)
			before := clone(t, dir)
			step := func(name string, err error) {
				t.Helper()
				check(t, err)
				for _, pair := range [][2]string{{before, dir}, {dir, before}, {dir, dir}} {
					if err := exchange(t, u, pair[0], pair[1]); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				before = clone(t, dir)
			}
			second, err := keys.Add(dir, u)
			step("add", err)
			step("promote", keys.Promote(dir, u, second))
			step("retire", keys.Retire(dir, u, first))
			if got := primary(t, dir, u); got != second {
				t.Errorf("key %d seals, not %d", got, second)
			}
		})
	}
}

// Values of a retired key are refused, and values of a key that a process does not have yet
// are waited for.
func TestRotationOutOfStep(t *testing.T) {
	t.Parallel()
	for _, u := range []keys.Use{keys.Payload, keys.Submission} {
		dir := newKeys(t)
		first, old := primary(t, dir, u), clone(t, dir)
		promoteNew(t, dir, u)
		if err := exchange(t, u, dir, old); !errors.Is(err, keys.ErrUnknownKey) || errors.Is(err, keys.ErrForeign) {
			t.Errorf("%s before its time: %v", u, err)
		}
		check(t, keys.Retire(dir, u, first))
		if err := exchange(t, u, old, dir); !errors.Is(err, keys.ErrForeign) || errors.Is(err, keys.ErrUnknownKey) {
			t.Errorf("%s after its time: %v", u, err)
		}
	}
}

func TestRetiredKeyIsDeleted(t *testing.T) {
	t.Parallel()
	for _, u := range rotated {
		dir := newKeys(t)
		first := primary(t, dir, u)
		material := secret(t, dir, u)
		promoteNew(t, dir, u)
		if !bytes.Contains(read(t, dir, u), material) {
			t.Fatalf("%s: the test looks for the wrong bytes", u)
		}
		check(t, keys.Retire(dir, u, first))
		if bytes.Contains(read(t, dir, u), material) {
			t.Errorf("%s keeps the retired key", u)
		}
	}
}

// secret is how a file with one key writes that key.
func secret(t *testing.T, dir string, u keys.Use) []byte {
	t.Helper()
	_, after, _ := bytes.Cut(read(t, dir, u), []byte(`"value": "`))
	value, _, found := bytes.Cut(after, []byte(`"`))
	if !found || len(value) < 32 {
		t.Fatalf("%s: no key in %d bytes", u, len(after))
	}
	return value
}

func read(t *testing.T, dir string, u keys.Use) []byte {
	t.Helper()
	raw, err := os.ReadFile(file(dir, u))
	check(t, err)
	return raw
}

func TestRotationRefuses(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	for _, u := range rotated {
		id := primary(t, dir, u)
		if err := keys.Retire(dir, u, id); !errors.Is(err, keys.ErrPrimary) {
			t.Errorf("retire the primary key of %s: %v", u, err)
		}
		for name, err := range map[string]error{
			"promote": keys.Promote(dir, u, id+1), "retire": keys.Retire(dir, u, id+1),
		} {
			if !errors.Is(err, keys.ErrNoKey) {
				t.Errorf("%s no key of %s: %v", name, u, err)
			}
		}
	}
	for u, want := range map[keys.Use]string{
		keys.Account: keys.ErrNotRotated.Error(), keys.Salt: keys.ErrNotRotated.Error(),
		keys.SubmissionPublic: "rotate that one", "lnik": "want link, payload or submission",
	} {
		_, err := keys.Add(dir, u)
		for _, err := range []error{err, keys.Promote(dir, u, 1), keys.Retire(dir, u, 1)} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", u, err)
			}
		}
	}
}

// A refused step leaves all files as they are, byte for byte.
func TestRefusedStepChangesNothing(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	before := clone(t, dir)
	for _, u := range rotated {
		_ = keys.Retire(dir, u, primary(t, dir, u))
		_ = keys.Promote(dir, u, 1)
	}
	for _, u := range keys.Uses() {
		if !bytes.Equal(read(t, before, u), read(t, dir, u)) {
			t.Errorf("%s changed", u)
		}
	}
	if left := modes(t, dir); len(left) != len(keys.Uses()) {
		t.Errorf("left behind: %v", left)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	first := primary(t, dir, keys.Submission)
	second, err := keys.Add(dir, keys.Submission)
	check(t, err)
	check(t, os.Remove(file(dir, keys.Salt))) // no process has them all
	check(t, os.Remove(file(dir, keys.Link)))
	both := []keys.Key{{ID: first, Primary: true}, {ID: second}}
	want := []keys.Info{
		{Use: keys.Payload, Keys: []keys.Key{{ID: primary(t, dir, keys.Payload), Primary: true}}},
		{Use: keys.Submission, Keys: both},
		{Use: keys.SubmissionPublic, Keys: both},
		{Use: keys.Account, Keys: []keys.Key{{ID: primary(t, dir, keys.Account), Primary: true}}},
	}
	got, err := keys.List(dir)
	check(t, err)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(keys.Info{}, "Created", "Promoted")); diff != "" {
		t.Error(diff)
	}
	for _, i := range got {
		if age := time.Since(i.Created); age < 0 || age > time.Hour || !i.Promoted.Equal(i.Created) {
			t.Errorf("%s: created %v, promoted %v", i.Use, i.Created, i.Promoted)
		}
	}
	if _, err := keys.List(t.TempDir()); err == nil {
		t.Error("an empty folder is no error")
	}
}

// The time since when the primary key seals shows an operator when the old one may go.
func TestPromoted(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	made := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	created := info(t, dir, keys.Payload).Created.Format(time.RFC3339)
	raw := bytes.Replace(read(t, dir, keys.Payload), []byte(created), []byte(made.Format(time.RFC3339)), 1)
	check(t, os.WriteFile(file(dir, keys.Payload), raw, 0o600))

	check(t, keys.Promote(dir, keys.Payload, primary(t, dir, keys.Payload)))
	if i := info(t, dir, keys.Payload); !i.Promoted.Equal(made) {
		t.Errorf("promoting the primary key again counts from %v", i.Promoted)
	}
	promoteNew(t, dir, keys.Payload)
	if i := info(t, dir, keys.Payload); !i.Created.Equal(made) || time.Since(i.Promoted) > time.Hour {
		t.Errorf("created %v, promoted %v", i.Created, i.Promoted)
	}
}

// A rotation must not take the keys from a service that reads them through its group,
// also when root does it.
func TestRotationKeepsAccess(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 12345, 54321
	}
	for _, u := range keys.Uses() {
		check(t, os.Chmod(file(dir, u), 0o640))
		check(t, os.Chown(file(dir, u), uid, gid))
	}
	for _, u := range rotated {
		promoteNew(t, dir, u)
	}
	for _, u := range keys.Uses() {
		i, err := os.Stat(file(dir, u))
		check(t, err)
		stat := i.Sys().(*syscall.Stat_t)
		if i.Mode().Perm() != 0o640 || int(stat.Uid) != uid || int(stat.Gid) != gid {
			t.Errorf("%s: mode %o, owner %d:%d", u, i.Mode().Perm(), stat.Uid, stat.Gid)
		}
	}
}

// The public half has the same keys as the private one, and no secret of it.
func TestPublicHalf(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	first := primary(t, dir, keys.Submission)
	promoteNew(t, dir, keys.Submission)
	check(t, keys.Retire(dir, keys.Submission, first))
	private, public := info(t, dir, keys.Submission), info(t, dir, keys.SubmissionPublic)
	if !slices.Equal(private.Keys, public.Keys) {
		t.Errorf("private %v, public %v", private.Keys, public.Keys)
	}
	raw := read(t, dir, keys.SubmissionPublic)
	if bytes.Contains(raw, secret(t, dir, keys.Submission)) || bytes.Contains(raw, []byte("HpkePrivateKey")) {
		t.Error("the public file holds a private key")
	}
}

// Operators who rotate at the same moment lose no key of each other.
func TestAddAtOnce(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	const operators = 8
	failed := make(chan error, operators)
	for range operators {
		go func() {
			_, err := keys.Add(dir, keys.Link)
			failed <- err
		}()
	}
	for range operators {
		check(t, <-failed)
	}
	infos, err := keys.List(dir)
	check(t, err)
	for _, i := range infos {
		if i.Use == keys.Link && len(i.Keys) != 1+operators {
			t.Errorf("%d keys of %d", len(i.Keys), 1+operators)
		}
	}
}
