package postgrestest

import (
	"sync"
	"testing"
)

// Shelf keeps databases of which tests use the rows only. The next test gets one that is
// empty again, which takes less than making and deleting its three hundred files.
type Shelf struct {
	mu   sync.Mutex
	free []string
}

// Take returns the URL of a database for a test: one of the shelf, or a fresh one.
func (s *Shelf) Take(tb testing.TB, fresh func() string) string {
	tb.Helper()
	url, ok := s.take()
	if !ok {
		url = fresh()
	}
	tb.Cleanup(func() {
		Exec(tb, url, emptied)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free = append(s.free, url)
	})
	return url
}

func (s *Shelf) take() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		return "", false
	}
	last := len(s.free) - 1
	url := s.free[last]
	s.free = s.free[:last]
	return url, true
}

// emptied deletes all rows but those that say which version the tables have.
const emptied = `DO $$ BEGIN EXECUTE (
	SELECT 'TRUNCATE ' || string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables
	WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'goose_db_version'
); END $$`
