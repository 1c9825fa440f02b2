package bolt

import (
	"context"
	"os"
	"runtime/debug"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/rekeyhq/rekey/account"
)

// Store is an [account.Store] in a file, and the little that a host application needs
// besides: to put accounts in and to keep sessions.
type Store struct {
	db      *bbolt.DB
	file    *os.File // the file that db has open, to be read without it
	create  bool     // while it is being opened: make a missing file
	damaged atomic.Bool
}

var _ account.Store = (*Store)(nil)

// Close implements [account.Store].
func (s *Store) Close() error {
	if s.db == nil || s.damaged.Load() {
		return nil // bbolt has closed it, or would wait for its own locks: the end of the process closes it
	}
	return s.db.Close()
}

// update runs a transaction that writes. It is durable when it returns nil.
func (s *Store) update(ctx context.Context, f func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.guard(func() error { return s.db.Update(f) })
}

func (s *Store) view(ctx context.Context, f func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.guard(func() error { return s.db.View(f) })
}

// guard returns ErrDamaged where bbolt panics, and where the memory that it maps the file to
// cannot be read. A damaged file must not end the process, which may be a whole application.
//
// No transaction begins afterwards. bbolt may hold its locks, and a write to a damaged file
// could destroy the rest.
func (s *Store) guard(f func() error) (err error) {
	if s.damaged.Load() {
		return ErrDamaged
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			s.damaged.Store(true)
			err = ErrDamaged
		}
	}()
	return f()
}
