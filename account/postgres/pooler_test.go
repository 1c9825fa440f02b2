package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// bouncer starts PgBouncer before the server of a URL and returns the URL of the same
// database behind it.
func bouncer(t *testing.T, database, mode string) string {
	t.Helper()
	program := suite.Program(t, "pgbouncer")
	u, err := url.Parse(database)
	must(t, err)
	server := u.Query().Get("host")
	dir, err := os.MkdirTemp("", "rekey-pgb-") //nolint:usetesting // a path of a socket is short, and another user makes it there
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o777))
	must(t, os.WriteFile(filepath.Join(dir, "users.txt"), []byte("\"postgres\" \"\"\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "bouncer.ini"), []byte("[databases]\n* = host="+server+"\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = "+dir+
		"\nauth_type = trust\nauth_file = "+dir+"/users.txt\npool_mode = "+mode+"\ndefault_pool_size = 3\n"), 0o644))
	args := []string{filepath.Join(dir, "bouncer.ini")}
	if me, err := user.Current(); err == nil && me.Uid == "0" { // it refuses to be root
		args = append([]string{"-u", "postgres"}, args...)
	}
	cmd := exec.CommandContext(context.Background(), program, args...)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	behind := strings.Replace(database, url.QueryEscape(server), url.QueryEscape(dir), 1) + "&port=6432"
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		conn, err := pgx.Connect(t.Context(), behind+"&default_query_exec_mode=exec")
		if err == nil {
			must(t, conn.Close(t.Context()))
			return behind
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// A pooler may give each transaction another session. Workers start, stop and start again
// behind it, beside each other, and a reset is as elsewhere.
func TestBehindAPooler(t *testing.T) {
	t.Parallel()
	direct := migrated(t)
	postgrestest.Exec(t, direct, plainTables("integer")+`; CREATE INDEX ON users (lower(email)); INSERT INTO users VALUES (1, 'ann@example.com', 'old1')`)
	behind := bouncer(t, direct, "transaction")
	hash := "old1"
	for _, next := range []string{"old2", "old3", "old4"} {
		stores := []*postgres.Store{openUsers(t, behind, plainUsers()), openUsers(t, behind, plainUsers())}
		for _, s := range stores {
			must(t, s.Check(t.Context()))
			must(t, s.Record(t.Context(), entry()))
			taken(t, s, func(string) string { return "sample" })
			if _, err := s.Find(t.Context(), "ann@example.com"); err != nil {
				t.Error(err)
			}
			if got := noted(s); !strings.Contains(got, "no statement is prepared") || strings.Contains(got, "mend:") {
				t.Errorf("notes:\n%s", got)
			}
		}
		found, err := stores[0].Find(t.Context(), "ann@example.com")
		must(t, err)
		token := tokenOf(found[0], next[3])
		must(t, issue(t.Context(), stores[0], token, 10))
		change := changeBy(token)
		change.Hash, change.Submission = next, next
		for _, s := range stores { // the second is the repetition
			_, err = s.ChangePassword(t.Context(), change)
			must(t, err)
		}
		if found[0].Credential != hash {
			t.Errorf("the hash was %q, want %q", found[0].Credential, hash)
		}
		hash = next
		_, err = stores[1].Sweep(t.Context(), noon)
		must(t, err)
		for _, s := range stores {
			must(t, s.Close())
		}
	}
	users := plainUsers()
	auditor, err := postgres.OpenAuditor(t.Context(), postgres.Config{URL: behind, Users: &users})
	must(t, err)
	defer auditor.Close()
	ids, err := auditor.Owners(t.Context(), "ann@example.com")
	must(t, err)
	lines, err := auditor.Entries(t.Context(), account.Filter{})
	must(t, err)
	if len(ids) != 1 || len(lines) == 0 {
		t.Errorf("an auditor sees %d owners and %d lines", len(ids), len(lines))
	}
	if strings.Contains(noted(openUsers(t, direct, plainUsers())), "pooler") {
		t.Error("a pooler is seen where none is")
	}
}

// A migration holds a lock of its session, so a pooler that shares sessions is refused. One
// that does not is accepted.
func TestMigrateBehindAPooler(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]error{"transaction": postgres.ErrPooled, "session": nil} {
		behind := bouncer(t, postgrestest.Database(t), mode)
		err := postgres.Migrate(t.Context(), postgres.Config{URL: behind}, func(postgres.Migration) {})
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}
