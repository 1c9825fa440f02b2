// Package secretfile reads files that hold a secret, and refuses those that others could
// read, change or replace: keysets, passwords, client secrets.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// limit is more than any secret needs.
const limit = 1 << 20

// Errors of this package.
var (
	// ErrPermissions means that others than its owner could read or change a file.
	ErrPermissions = errors.New("others may read or change the file: run chmod 0600 (or 0640) on it")
	// ErrFolder means that others could put another file in the place of one.
	ErrFolder = errors.New("others may replace files of the folder: run chmod go-w on it")
	// ErrOwner means that a user other than root and this process's could.
	ErrOwner = errors.New("it belongs to another user: run chown on it, for root or for the user of this process")
	// ErrNoFile means that a path names a folder, a pipe or a device.
	ErrNoFile = errors.New("it is no regular file: write the secret into one")
	// ErrIsFolder is [ErrNoFile] of a folder, which an engine may have mounted in place of a file.
	ErrIsFolder = fmt.Errorf("%w: it is a folder. A container engine mounts one where the file is missing, and Docker before 26 where one file of a volume is asked for (volume.subpath)", ErrNoFile)
	// ErrSize means that a file is longer than any secret.
	ErrSize = errors.New("the file has more than 1 MiB, so it is neither a keyset nor a secret: check the path")
)

// Read returns the content of a file of at most 1 MiB, judged after it was opened, so that it
// cannot be swapped in between. It never waits, also not for the writer of a named pipe. Errors:
// ErrPermissions, ErrFolder, ErrOwner, ErrNoFile, ErrSize, or those of os.Open.
func Read(path string) ([]byte, error) { return read(path, serviceOwned) }

// ReadAs is [Read] for an operator with the files of a service. Root may read them for any
// owner.
func ReadAs(path string) ([]byte, error) { return read(path, anyOwner) }

// owners are the users whose files are read.
type owners int

const (
	serviceOwned owners = iota // root's, and those of the user of this process
	anyOwner                   // and for root those of all users
)

func read(path string, who owners) ([]byte, error) {
	f, err := open(path, who)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && len(b) > limit {
		return nil, fmt.Errorf("%s: %w", path, ErrSize)
	}
	return b, err
}

// Check is [Read] for a file that a library reads by itself.
func Check(path string) error {
	f, err := open(path, serviceOwned)
	if err != nil {
		return err
	}
	return f.Close()
}

func open(path string, who owners) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noWait, 0)
	if err != nil {
		return nil, err
	}
	if err := judge(path, f, who); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// judge checks the file and the folders that name it. These are the folder of the path, and
// that of the target of a symbolic link, as Kubernetes mounts secrets.
func judge(path string, f *os.File, who owners) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s: %w", path, ErrIsFolder)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: %w", path, ErrNoFile)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for _, folder := range []string{filepath.Dir(path), filepath.Dir(target)} {
		if err := judgeFolder(folder, who); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	if err := judgeFile(info, filepath.Dir(target), who); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
