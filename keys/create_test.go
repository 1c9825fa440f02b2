package keys_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/keys"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	want := []string{
		"account.json 0600", "link.json 0600", "payload.json 0600",
		"salt.json 0600", "submission.json 0600", "submission.pub.json 0600",
	}
	if diff := cmp.Diff(want, modes(t, dir)); diff != "" {
		t.Error(diff)
	}
	folder, err := os.Stat(dir)
	check(t, err)
	if folder.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %o", folder.Mode().Perm())
	}
}

// modes lists all files of a folder, so that a test also sees leftovers.
func modes(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	var list []string
	for _, e := range entries {
		i, err := e.Info()
		check(t, err)
		list = append(list, fmt.Sprintf("%s %#o", e.Name(), i.Mode().Perm()))
	}
	return list
}

// Any keyset there is protects the whole folder: a new link.json beside an old
// account.json would be a deployment that never was.
func TestCreateRefusesToOverwrite(t *testing.T) {
	t.Parallel()
	for _, u := range keys.Uses() {
		dir := t.TempDir()
		check(t, os.WriteFile(file(dir, u), []byte("mine"), 0o600))
		if err := keys.Create(dir, false); !errors.Is(err, keys.ErrExists) {
			t.Errorf("%s: %v", u, err)
		}
		raw, err := os.ReadFile(file(dir, u))
		check(t, err)
		if left := modes(t, dir); len(left) != 1 || string(raw) != "mine" {
			t.Errorf("%s: the folder holds %v, the file %q", u, left, raw)
		}
	}
}

func TestCreateTwiceAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		dir := filepath.Join(t.TempDir(), "keys")
		var made atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := keys.Create(dir, false); {
				case err == nil:
					made.Add(1)
				case !errors.Is(err, keys.ErrExists):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n, left := made.Load(), modes(t, dir); n != 1 || len(left) != len(keys.Uses()) {
			t.Fatalf("%d sets were made; the folder holds %v", n, left)
		}
		sealed, err := sealer(t, dir).Seal(newPassword(), run)
		check(t, err)
		if _, err := opener(t, dir).Open(sealed, run); err != nil {
			t.Fatalf("the two halves are of different sets: %v", err)
		}
	}
}

func TestCreateMakesDifferentKeys(t *testing.T) {
	t.Parallel()
	one, two := newKeys(t), newKeys(t)
	for _, u := range keys.Uses() {
		a, err := os.ReadFile(file(one, u))
		check(t, err)
		b, err := os.ReadFile(file(two, u))
		check(t, err)
		if slices.Equal(a, b) {
			t.Errorf("%s is the same twice", u)
		}
	}
}
