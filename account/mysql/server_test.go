package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// server is the throwaway MariaDB of the test binary, started by the first test that wants it.
var server struct {
	once   sync.Once
	err    error
	dir    string
	run    *exec.Cmd
	number atomic.Int32
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.run != nil {
		_ = server.run.Process.Kill()
		_ = server.run.Wait()
	}
	if server.dir != "" {
		_ = os.RemoveAll(server.dir)
	}
	os.Exit(code)
}

// database makes a database of its own with the tables of an application, and the statements.
func database(t *testing.T, statements ...string) (app *sql.DB, name string) {
	t.Helper()
	install, mariadbd := suite.Program(t, "mariadb-install-db"), suite.Program(t, "mariadbd")
	server.once.Do(func() { server.err = start(install, mariadbd) })
	if server.err != nil {
		t.Fatal(server.err)
	}
	name = fmt.Sprintf("app%d", server.number.Add(1))
	root := connect(t, "root", "")
	execute(t, root, "CREATE DATABASE "+name)
	app = connect(t, "root", name)
	execute(t, app, statements...)
	return app, name
}

func start(install, mariadbd string) (err error) {
	if server.dir, err = os.MkdirTemp("", "db"); err != nil {
		return err
	}
	data := filepath.Join(server.dir, "data")
	user := "--user=" + os.Getenv("USER")
	if os.Geteuid() == 0 {
		user = "--user=root"
	}
	out, err := exec.Command(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", user).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	server.run = exec.Command(mariadbd, "--no-defaults", "--datadir="+data, "--socket="+socket(), "--skip-networking", "--pid-file="+filepath.Join(server.dir, "pid"),
		"--innodb-buffer-pool-size=32M", "--log-error="+filepath.Join(server.dir, "log"), user)
	return server.run.Start()
}

func socket() string { return filepath.Join(server.dir, "s") }

// connect waits until the server answers.
func connect(t *testing.T, user, name string) *sql.DB {
	t.Helper()
	cfg := driver.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.DBName, cfg.Logger = user, "unix", socket(), name, &driver.NopLogger{}
	cfg.MultiStatements = true
	db, err := sql.Open("mysql", cfg.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	again, late := time.NewTicker(50*time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	for err = db.PingContext(t.Context()); err != nil; err = db.PingContext(t.Context()) {
		select {
		case <-again.C:
		case <-late:
			log, _ := os.ReadFile(filepath.Join(server.dir, "log"))
			t.Fatalf("%v\n%s", err, log)
		}
	}
	return db
}

func execute(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.WithoutCancel(t.Context()), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// url is that of a database for a user.
func url(user, name string) string {
	return "mysql://" + user + "@/" + name + "?socket=" + strings.ReplaceAll(socket(), "/", "%2F")
}
