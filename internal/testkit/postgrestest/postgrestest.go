// Package postgrestest runs real PostgreSQL servers for tests: one throwaway cluster for
// a test binary, with a database of its own for each test.
//
// Where PostgreSQL is not installed the tests are skipped; with REKEY_TEST=all they fail.
package postgrestest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is the cluster of the test binary, started by the first test that wants it.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Run runs the tests of a package, without the PG* variables of its surroundings, and
// stops their cluster. Every TestMain of a package
// that calls [Database] is os.Exit(postgrestest.Run(m)).
func Run(m *testing.M) int {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "PG") {
			_ = os.Unsetenv(name)
		}
	}
	code := m.Run()
	if s := shared.server; s != nil {
		if err := s.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

// Database makes an empty database for a test and returns its URL. The user is a
// superuser.
func Database(tb testing.TB) string {
	tb.Helper()
	Require(tb)
	shared.once.Do(func() { shared.server, shared.err = New() })
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.server.Database(tb)
}

// Start starts a cluster for one test, which may do things to it that others must not see. The
// settings are added to its own: "ssl=on". Without "fsync=on" a crash of the machine loses
// everything, and writing costs less than elsewhere.
func Start(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	Require(tb)
	s, err := New(settings...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Remove(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

var databases atomic.Int64

// Database makes an empty database and returns its URL.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	return s.create(tb, "")
}

// Copy makes a database like that of a URL of the binary's cluster, which must have no
// connections.
func Copy(tb testing.TB, database string) string {
	tb.Helper()
	like, _, _ := strings.Cut(strings.TrimPrefix(database, "postgres:///"), "?")
	return shared.server.create(tb, " TEMPLATE "+like)
}

func (s *Server) create(tb testing.TB, like string) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.admin.Exec(context.Background(), "CREATE DATABASE "+name+like); err != nil {
		tb.Fatal(err)
	}
	return s.URL(name)
}
