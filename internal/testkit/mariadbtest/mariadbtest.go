// Package mariadbtest runs a real MariaDB for tests: one throwaway server for a test binary, with a
// database of its own for each test.
//
// Where MariaDB is not installed the tests are skipped; with REKEY_TEST=all they fail.
package mariadbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// server is that of the test binary, started by the first test that wants it.
var server struct {
	once   sync.Once
	err    error
	dir    string
	run    *exec.Cmd
	life   io.Closer // ends the server when it is closed, also by the end of this process
	number atomic.Int32
}

// Run runs the tests of a package and stops their server. Every TestMain of a package that calls
// [Database] is os.Exit(mariadbtest.Run(m.Run)), or with what another kit makes of m.Run.
func Run(tests func() int) int {
	code := tests()
	if server.life != nil {
		_ = server.life.Close()
		_ = server.run.Wait()
	}
	if server.dir != "" {
		_ = os.RemoveAll(server.dir)
	}
	return code
}

// Database makes a database and executes statements in it. The connection is root's.
func Database(t *testing.T, statements ...string) (db *sql.DB, name string) {
	t.Helper()
	install, mariadbd := suite.Program(t, "mariadb-install-db"), suite.Program(t, "mariadbd")
	server.once.Do(func() { server.err = start(install, mariadbd) })
	if server.err != nil {
		t.Fatal(server.err)
	}
	name = fmt.Sprintf("app%d", server.number.Add(1))
	Exec(t, connect(t, ""), "CREATE DATABASE "+name)
	db = connect(t, name)
	Exec(t, db, statements...)
	return db, name
}

// Socket is where the server listens.
func Socket() string { return filepath.Join(server.dir, "s") }

// Exec executes statements, of which each may be several.
func Exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.WithoutCancel(t.Context()), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func start(install, mariadbd string) (err error) {
	if server.dir, err = os.MkdirTemp("", "db"); err != nil {
		return err
	}
	data, user := filepath.Join(server.dir, "data"), "--user="+os.Getenv("USER")
	if os.Geteuid() == 0 {
		user = "--user=root" // without it the server refuses
	}
	out, err := exec.CommandContext(context.Background(), install, //nolint:gosec // a program of MariaDB's
		"--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", user).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	server.run = exec.CommandContext(context.Background(), "sh", "-c", `"$@" & cat; kill -KILL $!; wait $!`, "sh", //nolint:gosec // as above
		mariadbd, "--no-defaults", "--datadir="+data, "--socket="+Socket(), "--skip-networking",
		"--pid-file="+filepath.Join(server.dir, "pid"), "--innodb-buffer-pool-size=32M", "--log-error="+filepath.Join(server.dir, "log"), user)
	if server.life, err = server.run.StdinPipe(); err != nil {
		return err
	}
	return server.run.Start()
}

// connect waits until the server answers.
func connect(t *testing.T, name string) *sql.DB {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName, cfg.Logger = "root", "unix", Socket(), name, &mysql.NopLogger{}
	cfg.MultiStatements = true
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	again, late := time.NewTicker(50*time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	for err = db.PingContext(t.Context()); err != nil; err = db.PingContext(t.Context()) {
		select {
		case <-again.C:
		case <-late:
			log, readErr := os.ReadFile(filepath.Join(server.dir, "log"))
			t.Fatalf("%v\n%s", errors.Join(err, readErr), log)
		}
	}
	return db
}
