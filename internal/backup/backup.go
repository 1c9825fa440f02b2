// Package backup copies the data of a running rekey into a folder, and checks a folder that was
// put back. Temporal's file and the accounts' records are locked by the process that uses them, so
// that process makes the copies. It sends them over a socket in its data folder, and the command
// writes them where it was told to. So the process needs no right to write outside of its folder,
// and someone who breaks into it reaches no older backup.
//
// The process, once it has opened its data:
//
//	source := backup.Source{
//		Dir:     data,
//		Version: "v1.2.3",
//		Runs:    backup.Live{Name: "temporal.db", Copy: server.Backup},
//		Records: backup.Live{Name: "accounts.db", Copy: store.Backup},
//		Still:   []string{"keys"},
//	}
//	listener, err := backup.Listen(data)
//	if err != nil {
//		return err
//	}
//	return backup.Serve(ctx, listener, source) // until ctx ends
//
// Before that, at each start:
//
//	restored, err := backup.Restored(data) // nil unless the folder was just put back
//
// The command `rekey one backup DIR`:
//
//	made, err := backup.Take(ctx, data, dir, func(line string) { fmt.Println(line) })
package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
)

// Source is the data of a running process.
type Source struct {
	// Dir is the data folder. Copies are made in it before they are sent, so it needs as much room
	// again as Runs and Records have.
	Dir string
	// Version is that of the program, for the manifest.
	Version string
	// Runs is Temporal's file, and Records that of the accounts or of their records. They are
	// copied in this order: accounts that are newer than the runs know all that the runs did, and
	// a mail is repeated at worst. Older ones would lack a password whose change the runs have
	// told its owner of (docs/operations/backups.md). Either may be the zero value.
	Runs, Records Live
	// Still are files, and folders of files, that change by renames only, such as keysets. They are
	// copied last: the newest keyset opens all that was sealed before.
	Still []string
	// Log gets a line for each backup: it is a copy of all that rekey has.
	Log zerolog.Logger
	// Elsewhere are parts of the data that the folder does not have, each as a sentence for the
	// operator: which, and how it is to be backed up first.
	Elsewhere []string
}

// Live is a file that its process has open and that nobody else can copy.
type Live struct {
	Name string // in the data folder, and in the backup
	// Copy writes the whole file as it is at one moment to a path that does not exist.
	Copy func(ctx context.Context, path string) error
}

// Manifest says what a backup has. It is its last file.
type Manifest struct {
	Rekey     string    `json:"rekey"` // version of the program
	Made      time.Time `json:"made"`  // when the first copy began
	Files     []File    `json:"files"`
	Elsewhere []string  `json:"elsewhere,omitempty"`
}

// File is one of the files of a backup.
type File struct {
	Name   string `json:"name"` // path in the folder, with slashes
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

// ManifestName is the file that makes a folder a backup.
const ManifestName = "backup.json"

// Errors of this package.
var (
	// ErrNotEmpty means that a backup would be mixed with other files.
	ErrNotEmpty = errors.New("the folder has files: name one that is missing or empty")
	// ErrNotRunning means that nothing listens in a data folder. Then its files can be copied.
	ErrNotRunning = errors.New("no rekey runs on this folder: start it, or copy the folder as it is")
	// ErrBusy means that another backup of the same folder has not ended.
	ErrBusy = errors.New("another backup is under way: wait for its end")
	// ErrUnfinished means that a backup broke off. Nothing of it is left.
	ErrUnfinished = errors.New("the backup broke off and was removed: look into the log of the running rekey")
	// ErrChanged means that a file of a backup is not as it was made.
	ErrChanged = errors.New("it is not as the backup made it: copy it again, or take another backup")
)

// ErrLeft means that a backup was put over the files of before.
var ErrLeft = errors.New("the folder of before was not moved away: put the backup into an empty one")

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Restored reports whether a folder was just put back from a backup, and from which: nil when it was
// not. It compares each file with the manifest, and then removes the manifest, so that files may
// change. Call it before anything in the folder is opened. Errors: ErrChanged and
// ErrLeft, which name the file; those of the disk.
func Restored(dir string) (*Manifest, error) {
	path := filepath.Join(dir, ManifestName)
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // the usual start, which is no error
	}
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, ErrChanged)
	}
	for _, f := range m.Files {
		// SQLite would put its changes of before into the file.
		for _, beside := range []string{"-wal", "-shm", "-journal"} {
			if left := filepath.Join(dir, filepath.FromSlash(f.Name)+beside); exists(left) {
				return nil, fmt.Errorf("%s: %w", left, ErrLeft)
			}
		}
		got, err := sum(filepath.Join(dir, filepath.FromSlash(f.Name)))
		if err != nil {
			return nil, fmt.Errorf("a file of the backup: %w", err)
		}
		if got.Size != f.Size || got.SHA256 != f.SHA256 {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, f.Name), ErrChanged)
		}
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return &m, syncDir(dir)
}
