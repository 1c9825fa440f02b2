package postgrestest

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Shelf keeps stores, and their databases, of which tests use the rows only. The next test gets
// one that is empty again: making three hundred files, and each connection, costs more.
type Shelf[T any] struct {
	tb    testing.TB
	fresh func() (url string, store T)

	mu   sync.Mutex
	free []shelved[T]
}

type shelved[T any] struct {
	store T
	conn  *pgx.Conn // empties it
}

// NewShelf makes a shelf for the subtests of a test. The store that fresh opens lasts
// as long as that test.
func NewShelf[T any](tb testing.TB, fresh func() (url string, store T)) *Shelf[T] {
	tb.Helper()
	return &Shelf[T]{tb: tb, fresh: fresh}
}

// Take returns a store for a subtest: one of the shelf, or a fresh one.
func (s *Shelf[T]) Take(tb testing.TB) T {
	tb.Helper()
	one, ok := s.take()
	if !ok {
		one = s.make(tb)
	}
	tb.Cleanup(func() {
		if _, err := one.conn.Exec(context.Background(), emptied); err != nil {
			tb.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free = append(s.free, one)
	})
	return one.store
}

func (s *Shelf[T]) make(tb testing.TB) (one shelved[T]) {
	tb.Helper()
	url, store := s.fresh()
	conn, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	s.tb.Cleanup(func() { _ = conn.Close(context.Background()) })
	return shelved[T]{store, conn}
}

func (s *Shelf[T]) take() (one shelved[T], ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.free) - 1
	if last < 0 {
		return one, false
	}
	one, s.free = s.free[last], s.free[:last]
	return one, true
}

// emptied deletes all rows but those that say which version the tables have.
const emptied = `DO $$ BEGIN EXECUTE (
	SELECT 'TRUNCATE ' || string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
	WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'goose_db_version'
); END $$`
