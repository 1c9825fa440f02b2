package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// startWait is how long a server may take to answer; recovery after a crash is in it.
const startWait = time.Minute

// Server is a PostgreSQL server that listens on a Unix socket.
type Server struct {
	bin      string   // folder of PostgreSQL's programs
	dir      string   // holds the cluster, and the socket
	settings []string // more than run has
	cmd      *exec.Cmd
	stdin    io.Closer     // nil while it does not run
	log      bytes.Buffer  // may be read once it has ended
	ended    chan struct{} // closed when none of its processes is left

	mu    sync.Mutex
	admin *pgx.Conn // makes databases
}

// ErrMissing means that PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL is missing: install it")

// programs finds the folder of PostgreSQL's programs.
func programs() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres"); len(found) > 0 {
		return filepath.Dir(slices.Max(found)), nil // Debian's, which are not on the path
	}
	return "", ErrMissing
}

// Require ends a test that cannot run where PostgreSQL is not installed.
func Require(tb testing.TB) {
	tb.Helper()
	if _, err := programs(); err != nil {
		suite.Missing(tb, "PostgreSQL")
	}
}

// New makes a cluster and starts its server, for a program that has no test; it is [Start]
// otherwise. Error: ErrMissing.
func New(settings ...string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "rekey-pg-") // short, since it is in the name of a socket
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, settings: settings}
	for _, step := range []func() error{s.own, s.initdb, s.run} {
		if err := step(); err != nil {
			return nil, errors.Join(err, s.Remove())
		}
	}
	return s, nil
}

func (s *Server) initdb() error {
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, "initdb"), //nolint:gosec // a program of PostgreSQL's
		"-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	cmd.Dir = s.dir
	if err := asOther(cmd); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// run starts the server and waits until it answers. A shell stands between, so that the
// server ends with the test however that ends: its standard input is closed then. The shell
// lets go of the log, so that the end of that is the server's.
func (s *Server) run() error {
	s.cmd = exec.CommandContext(context.Background(), "sh", "-c", `"$@" & exec >/dev/null 2>&1; cat; kill -QUIT $!; wait $!`, "sh", //nolint:gosec // as above
		filepath.Join(s.bin, "postgres"), "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=",
		"-c", "max_connections=300", "-c", "shared_buffers=32MB", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "autovacuum=off", "-c", "jit=off")
	for _, setting := range s.settings {
		s.cmd.Args = append(s.cmd.Args, "-c", setting)
	}
	s.cmd.Dir = s.dir
	if err := asOther(s.cmd); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	return s.answers()
}

func (s *Server) start() error {
	log, its, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = its.Close() }() // the server has its own
	s.cmd.Stdout, s.cmd.Stderr = its, its
	stdin, err := s.cmd.StdinPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return errors.Join(err, log.Close())
	}
	s.stdin, s.ended = stdin, make(chan struct{})
	go func() {
		defer close(s.ended)
		_, _ = s.log.ReadFrom(log)
		_ = log.Close()
	}()
	return nil
}

// answers waits for the server, and keeps the connection that it answers first.
func (s *Server) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.URL("postgres"))
		if err == nil {
			s.admin = conn
			return nil
		}
		select {
		case <-tick.C:
			continue
		case <-s.ended:
		case <-ctx.Done():
		}
		return errors.Join(err, ctx.Err(), s.Kill(), errors.New(s.log.String()))
	}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// URL is that of a database of the server, for its superuser.
func (s *Server) URL(database string) string {
	return "postgres:///" + database + "?user=postgres&host=" + url.QueryEscape(s.dir)
}

// Pid is the process that the server's processes descend from.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Kill stops the server, if it runs, as a crash would: without a checkpoint, in the middle of
// its work.
func (s *Server) Kill() error {
	if s.stdin == nil {
		return nil
	}
	err := s.stdin.Close()
	_ = s.cmd.Wait() // says how a killed server ended
	<-s.ended
	s.stdin = nil
	if s.admin != nil {
		_ = s.admin.Close(context.Background())
	}
	return err
}

// Restart starts a server again that was killed.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if err := s.run(); err != nil {
		tb.Fatal(err)
	}
}

// Standby starts a server again that was killed, as one that is read-only until it is
// promoted.
func (s *Server) Standby(tb testing.TB) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(s.data(), "standby.signal"), nil, 0o644); err != nil { //nolint:gosec // the server's user reads it
		tb.Fatal(err)
	}
	s.Restart(tb)
}

// Remove stops the server and deletes its cluster.
func (s *Server) Remove() error {
	return errors.Join(s.Kill(), os.RemoveAll(s.dir))
}

// WantPassword gives the superuser a password and wants it from every connection.
func (s *Server) WantPassword(tb testing.TB, password string) {
	tb.Helper()
	Exec(tb, s.URL("postgres"), "ALTER USER postgres PASSWORD '"+password+"'")
	hba := filepath.Join(s.data(), "pg_hba.conf")
	if err := os.WriteFile(hba, []byte("local\tall\tpostgres\tscram-sha-256\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	Exec(tb, s.URL("postgres"), "SELECT pg_reload_conf()")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(startWait); time.Now().Before(deadline); <-tick.C {
		conn, err := pgx.Connect(context.Background(), s.URL("postgres"))
		if err != nil {
			return
		}
		_ = conn.Close(context.Background())
	}
	tb.Fatal("the server still takes connections without a password")
}
