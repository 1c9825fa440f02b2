package main

import (
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// secured is the URL of a database with a password in it.
func secured(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("password", "s3cret word")
	u.RawQuery = q.Encode()
	return u.String()
}

// security 23: with --temporal-db the runs are in PostgreSQL, and a kill of everything but
// PostgreSQL loses none.
func TestRunsInPostgreSQL(t *testing.T) {
	t.Parallel()
	const changed = "plum velvet thirty gulls"
	data := filepath.Join(t.TempDir(), "data")
	env := []string{"REKEY_DEV_TEMPORAL_DB=" + secured(t, postgrestest.Database(t))}
	first := running(t, env, "--data", data)
	first.post(t, "/account/forgot_password", `{"email":"alice@example.com"}`)
	first.reset(t, first.token(t, "alice"), changed)
	first.post(t, "/account/forgot_password", `{"email":"bob@example.com"}`)
	token := first.token(t, "bob")
	first.Signal(t, syscall.SIGKILL)
	if code := first.Exit(t); code != -1 {
		t.Fatalf("it ended by itself, with exit code %d", code)
	}

	second := running(t, env, "--data", data, "--listen", strings.TrimPrefix(first.url, "http://"))
	second.reset(t, token, changed)
	for _, who := range []string{"alice", "bob"} {
		if status := second.signIn(t, who+"@example.com", changed); status != 200 {
			t.Errorf("sign-in of %s with the new password: %d", who, status)
		}
	}
	second.stop(t)
	for _, p := range []*program{first, second} {
		if strings.Contains(p.Out.String()+p.Err.String(), "s3cret") {
			t.Errorf("it prints the password:\n%s%s", p.Out, p.Err)
		}
	}
}

func TestTemporalDatabaseCannotBeUsed(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	for database, want := range map[string]string{
		"postgres://rekey:s3cret@127.0.0.1:port/runs": "not a URL like postgres://USER@HOST:PORT/DATABASE",
		"postgres://rekey:s3cret@127.0.0.1:1/runs":    "connection refused",
	} {
		p := launch(t, nil, "--data", data, "--temporal-db", database)
		if code := p.Exit(t); code != 1 {
			t.Errorf("%s: exit code %d, want 1", want, code)
		}
		if said := p.Out.String() + p.Err.String(); !strings.Contains(said, want) || strings.Contains(said, "s3cret") {
			t.Errorf("it says:\n%s, want %q and no password", said, want)
		}
	}
}
