//go:build unix

package secretfile

import (
	"os"
	"syscall"
)

// noWait keeps a named pipe without a writer from blocking the process.
const noWait = syscall.O_NONBLOCK

const (
	othersRead   = 0o007 // also to write and execute
	groupChanges = 0o020
	writable     = 0o022
)

// engines is where container engines put the secrets of a container, readable for every user,
// with the owner that the file has on the host. Nobody else is in the container.
const engines = "/run/secrets"

// judgeFile judges a file in a folder. A group may read it, as Kubernetes mounts secrets.
func judgeFile(info os.FileInfo, folder string, who owners) error {
	forbidden := os.FileMode(othersRead | groupChanges)
	if folder == engines {
		forbidden = writable
	}
	switch {
	case info.Mode().Perm()&forbidden != 0:
		return ErrPermissions
	case folder == engines || who.trusted(info):
		return nil
	default:
		return ErrOwner
	}
}

// judgeFolder lets others write to a folder where only owners replace files: the sticky one that
// Kubernetes mounts secrets in, and /tmp.
func judgeFolder(path string, who owners) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	switch {
	case info.Mode().Perm()&writable != 0 && info.Mode()&os.ModeSticky == 0:
		return ErrFolder
	case !who.trusted(info):
		return ErrOwner
	default:
		return nil
	}
}

// trusted reports whether the owner of a file is root or the user of this process. Root itself may
// work on the files of any user.
func (o owners) trusted(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	user := os.Geteuid()
	return stat.Uid == 0 || int(stat.Uid) == user || o == anyOwner && user == 0
}
