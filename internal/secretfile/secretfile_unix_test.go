//go:build unix

package secretfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/internal/secretfile"
)

// secret makes a folder with a file in it.
func secret(t *testing.T) (folder, file string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "folder")
	must(t, os.Mkdir(folder, 0o700))
	file = filepath.Join(folder, "secret")
	must(t, os.WriteFile(file, []byte("s3cret"), 0o600))
	return folder, file
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func judged(t *testing.T, what, path string, want error) {
	t.Helper()
	b, err := secretfile.Read(path)
	if !errors.Is(err, want) || err == nil && string(b) != "s3cret" {
		t.Errorf("%s: %q, %v, want %v", what, b, err, want)
	}
	if err := secretfile.Check(path); !errors.Is(err, want) {
		t.Errorf("check %s: %v, want %v", what, err, want)
	}
}

// security 24: others may not read a file, nor change it.
func TestModes(t *testing.T) {
	t.Parallel()
	_, file := secret(t)
	for mode, want := range map[os.FileMode]error{
		0o400: nil, 0o600: nil, 0o440: nil, 0o640: nil,
		0o644: secretfile.ErrPermissions, 0o666: secretfile.ErrPermissions, 0o660: secretfile.ErrPermissions,
		0o602: secretfile.ErrPermissions, 0o601: secretfile.ErrPermissions,
	} {
		must(t, os.Chmod(file, mode))
		judged(t, mode.String(), file, want)
	}
}

// security 24: a user with the right to write to the folder could replace the file, unless it
// is sticky.
func TestFolders(t *testing.T) {
	t.Parallel()
	folder, file := secret(t)
	for mode, want := range map[os.FileMode]error{
		0o700: nil, 0o755: nil, 0o777: secretfile.ErrFolder, 0o770: secretfile.ErrFolder, 0o702: secretfile.ErrFolder,
		0o777 | os.ModeSticky: nil, 0o777 | os.ModeSticky | os.ModeSetgid: nil,
	} {
		must(t, os.Chmod(folder, mode))
		judged(t, mode.String(), file, want)
	}
	must(t, os.Chmod(folder, 0o777))
	link := filepath.Join(t.TempDir(), "link")
	must(t, os.Symlink(file, link))
	judged(t, "a link into an open folder", link, secretfile.ErrFolder)
}

// Kubernetes mounts a sticky folder of links, which lead through another link, so that all of a
// secret changes at once.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	mount := t.TempDir()
	must(t, os.Mkdir(filepath.Join(mount, "..2026_01_02"), 0o755))
	must(t, os.WriteFile(filepath.Join(mount, "..2026_01_02", "secret"), []byte("s3cret"), 0o440))
	must(t, os.Symlink("..2026_01_02", filepath.Join(mount, "..data")))
	must(t, os.Symlink("..data/secret", filepath.Join(mount, "secret")))
	must(t, os.Chmod(mount, 0o777|os.ModeSticky|os.ModeSetgid))
	judged(t, "a mounted secret", filepath.Join(mount, "secret"), nil)
	must(t, os.Chmod(filepath.Join(mount, "..2026_01_02", "secret"), 0o444))
	judged(t, "one for everybody", filepath.Join(mount, "secret"), secretfile.ErrPermissions)
}

// A pipe without a writer does not hold the start.
func TestNoFile(t *testing.T) {
	t.Parallel()
	folder, file := secret(t)
	pipe := filepath.Join(folder, "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	judged(t, "a named pipe", pipe, secretfile.ErrNoFile)
	judged(t, "a folder", folder, secretfile.ErrIsFolder)
	judged(t, "a device", os.DevNull, secretfile.ErrNoFile)
	judged(t, "nothing", file+".none", fs.ErrNotExist)
	must(t, os.Truncate(file, 1<<20+1))
	if _, err := secretfile.Read(file); !errors.Is(err, secretfile.ErrSize) {
		t.Errorf("a long file: %v", err)
	}
}

// security 24: neither the file nor its folder belongs to another user. Root may work on the
// files of a service.
func TestOwners(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Log("only root can give files away")
		return
	}
	const service = 65532
	folder, file := secret(t)
	must(t, os.Chown(file, service, 0))
	judged(t, "somebody else's file", file, secretfile.ErrOwner)
	if b, err := secretfile.ReadAs(file); err != nil || string(b) != "s3cret" {
		t.Errorf("an operator reads %q, %v", b, err)
	}
	must(t, os.Chown(file, 0, 0))
	must(t, os.Chown(folder, service, 0))
	judged(t, "a file in somebody else's folder", file, secretfile.ErrOwner)
	must(t, os.Chmod(file, 0o666))
	if _, err := secretfile.ReadAs(file); !errors.Is(err, secretfile.ErrPermissions) {
		t.Errorf("an operator with an open file: %v", err)
	}
}
