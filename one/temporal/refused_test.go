package temporal_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/one/temporal"
)

// with is the URL with another user and a password.
func with(t *testing.T, database, user string) string {
	t.Helper()
	u := parse(t, database)
	q := u.Query()
	q.Set("user", user)
	q.Set("password", secret)
	u.RawQuery = q.Encode()
	return u.String()
}

// refused starts a server on a database that it cannot use and checks its error.
func refused(t *testing.T, database string, want ...string) {
	t.Helper()
	_, err := temporal.Start(t.Context(), temporal.Options{Database: database})
	if err == nil {
		t.Fatal("the server started")
	}
	for _, part := range append(want, "temporal") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q, want it to say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %q has the password", err)
	}
}

func TestDatabaseURLIsWrong(t *testing.T) {
	t.Parallel()
	for _, database := range []string{
		"postgres://rekey:" + secret + "@127.0.0.1/temporal",
		"postgres://rekey:s3cret@127.0.0.1:port/temporal",
		"mysql://rekey:s3cret@127.0.0.1/temporal",
		"s3cret",
	} {
		refused(t, database, "not a URL like postgres://USER@HOST:PORT/DATABASE")
	}
}

// Something that takes the connection and never says a word is not waited for.
func TestDatabaseThatSaysNothing(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	patience, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = temporal.Start(patience, temporal.Options{Database: "postgres://rekey@" + silent.Addr().String() + "/app?sslmode=disable"})
	if patience.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestDatabaseIsNotThere(t *testing.T) {
	t.Parallel()
	free, err := loopback.Free("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword("rekey", secret), Host: free.String(), Path: "runs"}
	refused(t, u.String(), "database runs for temporal", free.String(), "connection refused")
}

func TestUserIsUnknown(t *testing.T) {
	t.Parallel()
	refused(t, with(t, postgrestest.Database(t), "stranger"), `role "stranger" does not exist`)
}

func TestUserMayNotCreate(t *testing.T) {
	t.Parallel()
	theirs, none := postgrestest.Database(t), missing(t)
	postgrestest.Exec(t, theirs, `CREATE ROLE guest LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC`) // as since PostgreSQL 15
	refused(t, with(t, none, "guest"), "database "+name(t, none), "user guest may not create it")
	refused(t, with(t, theirs, "guest"), "database "+name(t, theirs), "user guest may not create tables in it")

	// With the least requirements, it works.
	postgrestest.Exec(t, theirs, `ALTER DATABASE `+name(t, theirs)+` OWNER TO guest`)
	refused(t, with(t, theirs, "guest"), "database "+name(t, theirs)+"_visibility", "user guest may not create it")
	postgrestest.Exec(t, theirs, `CREATE DATABASE `+name(t, theirs)+`_visibility OWNER guest`)
	start(t, temporal.Options{Database: with(t, theirs, "guest")})
}

func TestPostgresIsTooOld(t *testing.T) {
	t.Parallel()
	u := url.URL{Scheme: "postgres", User: url.UserPassword("rekey", secret), Host: old(t, "11.22 (Debian 11.22-1)"), Path: "runs", RawQuery: "sslmode=disable"}
	refused(t, u.String(), "PostgreSQL 11.22", "too old", "12 or newer")
}

// The password is a setting of its own too, and replaces that of the URL.
func TestPasswordOfTheDatabase(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"postgres://rekey@%s/runs?sslmode=disable", "postgres://rekey:another@%s/runs?sslmode=disable"} {
		addr, got := asking(t)
		_, err := temporal.Start(t.Context(), temporal.Options{Database: fmt.Sprintf(u, addr), Password: secret})
		if err == nil {
			t.Fatal("the server started")
		}
		if password := <-got; password != secret {
			t.Errorf("the database is sent %q", password)
		}
	}
}

// asking is a PostgreSQL that asks for a password and refuses it.
func asking(t *testing.T) (addr string, password <-chan string) {
	t.Helper()
	got := make(chan string, 1)
	return answering(t, func(server *pgproto3.Backend) {
		server.Send(&pgproto3.AuthenticationCleartextPassword{})
		_ = server.Flush()
		_ = server.SetAuthType(pgproto3.AuthTypeCleartextPassword)
		message, _ := server.Receive()
		if m, ok := message.(*pgproto3.PasswordMessage); ok {
			got <- m.Password
		}
		close(got)
		server.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "28P01", Message: "password authentication failed"})
		_ = server.Flush()
	}), got
}

// old is a PostgreSQL of some version, which does no more than say so.
func old(t *testing.T, version string) (addr string) {
	t.Helper()
	return answering(t, func(server *pgproto3.Backend) {
		server.Send(&pgproto3.AuthenticationOk{})
		server.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: version})
		server.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		_ = server.Flush()
		_, _ = server.Receive() // the goodbye
	})
}

// answering is a PostgreSQL for one connection, with these answers to its first message.
func answering(t *testing.T, answers func(*pgproto3.Backend)) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		server := pgproto3.NewBackend(conn, conn)
		_, _ = server.ReceiveStartupMessage()
		answers(server)
	}()
	return listener.Addr().String()
}
