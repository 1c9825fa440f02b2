package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockWait is how long Open waits for another process to let go of the file: a worker
// that is being replaced needs a moment.
const lockWait = 2 * time.Second

// smallest is the size of two pages, which every bbolt file begins with.
const smallest = 2 * 4096

// Errors of opening a file. Every method that meets damage later returns ErrDamaged too.
var (
	// ErrLocked means that another process has the file open.
	ErrLocked = errors.New("another process has this bbolt file open, which allows one at a time: stop it, or use a store for several workers")
	// ErrSchema means that the file was written by another version of rekey.
	ErrSchema = errors.New("the file has another schema version: run the rekey that wrote it, or a newer one")
	// ErrMissing means that there is no file, or one of no bytes. A new file would have no
	// accounts.
	ErrMissing = errors.New("there is no account store: check the path, or let your application create the file first")
	// ErrDamaged means that this package did not write the file so.
	ErrDamaged = errors.New("the account store is damaged, or this file is none: check the path, or restore a backup and restart; later passwords and links are lost")
	// ErrAccounts means that the accounts are to be elsewhere and are in the file.
	ErrAccounts = errors.New("the file has accounts of its own: use another file for the records of accounts elsewhere")
	// ErrReadOnly means that the file may not be read and written.
	ErrReadOnly = errors.New("the account store must be readable and writable for this process: correct the owner, the mode or the mount of the file")
)

// Open opens the file for the application that keeps its accounts there. One that is
// missing or empty is made, for its owner only. Errors: ErrLocked, ErrSchema, ErrDamaged,
// ErrReadOnly.
func Open(path string) (*Store, error) { return open(path, true) }

// OpenExisting is [Open] for a process that makes no accounts, such as a worker. A missing or
// empty file is ErrMissing, and no file is made.
func OpenExisting(path string) (*Store, error) { return open(path, false) }

// OpenLedger opens the file for the accounts of a host elsewhere ([account.Beside]), and creates a
// missing one. Errors: those of [Open], ErrAccounts.
func OpenLedger(path string) (*Store, error) {
	s, err := Open(path)
	if err != nil {
		return nil, err
	}
	var first []byte
	err = s.view(context.Background(), func(tx *bbolt.Tx) error {
		first, _ = tx.Bucket(bucketAccounts).Cursor().First()
		return nil
	})
	if err == nil && first != nil {
		err = fmt.Errorf("%s: %w", path, ErrAccounts)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func open(path string, create bool) (*Store, error) {
	s := &Store{create: create}
	if err := s.open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, explain(err)), s.Close())
	}
	return s, nil
}

func (s *Store) open(path string) error {
	for _, step := range []func() error{
		func() (err error) {
			s.db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, OpenFile: s.openFile})
			return err
		},
		func() error { return s.db.View(s.checkPages) },
		s.makeNew,
		func() error { return s.db.View(checkBuckets) },
	} {
		if err := s.guard(step); err != nil {
			return err
		}
	}
	return nil
}

// openFile opens the file for bbolt, and refuses a file that bbolt would take for a new one.
func (s *Store) openFile(path string, flag int, mode os.FileMode) (*os.File, error) {
	if !s.create {
		flag &^= os.O_CREATE
	}
	f, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	if err := s.lookAt(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.file = f
	return f, nil
}

func (s *Store) lookAt(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return ErrDamaged
	case info.Size() == 0 && s.create, info.Size() >= smallest:
		return nil
	case info.Size() == 0:
		return ErrMissing
	default:
		return ErrDamaged
	}
}

// makeNew makes the buckets of a new file. It writes to no file with the buckets of another
// program.
func (s *Store) makeNew() error {
	if !s.create {
		return nil
	}
	isNew := false
	err := s.db.View(func(tx *bbolt.Tx) error {
		first, _ := tx.Cursor().First()
		isNew = first == nil
		return nil
	})
	if err != nil || !isNew {
		return err
	}
	return s.db.Update(makeBuckets)
}

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range buckets() {
		if _, err := tx.CreateBucket(name); err != nil {
			return err
		}
	}
	return tx.Bucket(bucketMeta).Put(keySchema, []byte(schema))
}

// explain names the remedy for an error of opening a file. For a foreign file bbolt's own error
// gives an operator no advice.
func explain(err error) error {
	switch {
	case errors.Is(err, ErrMissing), errors.Is(err, ErrDamaged), errors.Is(err, ErrSchema):
		return err
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrLocked
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w (%w)", ErrReadOnly, cause(err))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (%w)", ErrMissing, cause(err))
	default:
		return cause(err)
	}
}

// cause is an error without the path, which is named already.
func cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}
