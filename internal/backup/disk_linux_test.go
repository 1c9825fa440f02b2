package backup_test

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/internal/backup"
)

// limit is a full disk for files of so many bytes (EFBIG for ENOSPC), until the returned function is
// called. It is the whole process's.
func limit(t *testing.T, bytes uint64) (end func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ) // or the first such write ends the process
	var before syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	now := before
	now.Cur = bytes
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now))
	return func() {
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
		signal.Reset(syscall.SIGXFSZ)
	}
}

// limits are where a file of 5,000 bytes and a manifest break off.
var limits = []uint64{0, 1, 100, 4096, 4999}

// A full disk leaves nothing behind that looks like a backup.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	const inside = "REKEY_BACKUP_LIMITED"
	if os.Getenv(inside) != "" {
		theDisk(t)
		theOther(t)
		return
	}
	// In a process of its own: the limit would also be that of the test's own files.
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiskIsFull$")
	child.Env = append(os.Environ(), inside+"=yes")
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// theDisk of the data is full: there is no backup, and no copy on that disk.
func theDisk(t *testing.T) {
	t.Helper()
	dir := data(t)
	serve(t, source(dir, written("temporal.db", strings.Repeat("x", 5000))))
	for _, bytes := range limits {
		end := limit(t, bytes)
		fails(t, dir, nil, "could not copy its data: write "+dir)
		end()
	}
	_, err := take(t, dir, filepath.Join(t.TempDir(), "copy")) // there is room again
	must(t, err)
}

// theOther disk is full, that of the backup.
func theOther(t *testing.T) {
	t.Helper()
	for _, bytes := range limits {
		dir := data(t)
		var end func()
		s := source(dir, backup.Live{Name: "temporal.db", Copy: func(_ context.Context, path string) error {
			err := os.WriteFile(path, []byte(strings.Repeat("x", 5000)), 0o600)
			end = limit(t, bytes) // from here on
			return err
		}})
		s.Still = nil
		stop := serve(t, s)
		fails(t, dir, syscall.EFBIG, "copy.unfinished-")
		end()
		stop()
	}
}

// A folder that may not be written to is named before anything is copied.
func TestReadOnlyTarget(t *testing.T) {
	dir := data(t)
	serve(t, source(dir, written("temporal.db", "all")))
	parent := t.TempDir()
	must(t, os.Chmod(parent, 0o555))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if os.Geteuid() == 0 { // root may write everywhere
		const nobody = 65534
		for at := filepath.Dir(parent); at != "/"; at = filepath.Dir(at) {
			if info, err := os.Stat(at); err == nil && info.Mode().Perm()&0o005 != 0o005 {
				must(t, os.Chmod(at, info.Mode().Perm()|0o055))
			}
		}
		must(t, syscall.Setfsuid(nobody))
		defer func() { must(t, syscall.Setfsuid(0)) }()
	}
	_, err := take(t, dir, filepath.Join(parent, "copy"))
	if err == nil || !strings.Contains(err.Error(), parent) || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("error %v", err)
	}
}
