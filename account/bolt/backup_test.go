package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

// Copies that are made while the store is written to are whole: what a transaction wrote is in
// them or not, and all before it.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openAt(t, filepath.Join(dir, "accounts.db"))
	named := func(n int, half string) account.Account {
		a := ann()
		a.ID = fmt.Sprintf("%06d%s", n, half)
		a.Address = a.ID + "@example.com"
		return a
	}
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan int, 1)
	more := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			if err := s.PutMany(context.WithoutCancel(ctx), []account.Account{named(n, "a"), named(n, "b")}); err != nil {
				t.Error(err)
				break
			}
			select {
			case more <- n:
			default:
			}
		}
		close(more)
		written <- n
	}()
	for n := range more {
		if n >= 20 {
			break
		}
	}
	var sizes []int
	for i := range 10 {
		<-more // also on a machine that copies faster than it writes
		path := filepath.Join(dir, fmt.Sprintf("copy%d.db", i))
		must(t, s.Backup(t.Context(), path))
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
		copied, err := bolt.OpenExisting(path)
		must(t, err)
		n := 0
		for ; ; n++ {
			_, err := copied.Account(t.Context(), named(n, "a").ID)
			_, half := copied.Account(t.Context(), named(n, "b").ID)
			if !errors.Is(half, err) {
				t.Fatalf("copy %d has a half of pair %d: %v, %v", i, n, err, half)
			}
			if errors.Is(err, account.ErrNotFound) {
				break
			}
			must(t, err)
		}
		must(t, copied.Close())
		sizes = append(sizes, n)
	}
	stop()
	if all := <-written; sizes[0] < 20 || sizes[9] <= sizes[0] || sizes[9] > all {
		t.Errorf("the copies have %v pairs of %d", sizes, all)
	}
}

// A copy replaces no file, and a damaged store has no copy.
func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	must(t, os.WriteFile(path, lived(t), 0o600))
	s, err := bolt.OpenExisting(path)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	if err := s.Backup(t.Context(), path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto itself: %v", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(make([]byte, 20*pageSize), int64(4*pageSize))
	must(t, errors.Join(err, f.Close()))
	if err := s.Backup(t.Context(), path+".copy"); !errors.Is(err, bolt.ErrDamaged) {
		t.Errorf("a damaged store: %v", err)
	}
}
