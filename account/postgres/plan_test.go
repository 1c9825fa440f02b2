package postgres

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func open(t *testing.T, url string, users *Users) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: url, Users: users})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// plan is the server's plan of a statement for a value that it gets late.
func plan(t *testing.T, s *Store, statement, kind, value string) string {
	t.Helper()
	var lines []string
	must(t, pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		for _, step := range []string{"SET LOCAL enable_seqscan = off", "SET LOCAL plan_cache_mode = force_generic_plan", "PREPARE p(" + kind + ") AS " + statement} {
			if _, err := tx.Exec(t.Context(), step); err != nil {
				return err
			}
		}
		rows, err := tx.Query(t.Context(), "EXPLAIN EXECUTE p("+value+")")
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), "DEALLOCATE p")
		return err
	}))
	return strings.Join(lines, "\n")
}

// Look-ups by address and by ID use the indexes of an application or of the advice, whatever
// the types.
func TestIndexesServe(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	must(t, Migrate(t.Context(), Config{URL: url}, func(Migration) {}))
	postgrestest.Exec(t, url, `CREATE EXTENSION citext`)
	own := open(t, url, nil)
	stores := map[string]*Store{"rekey's own": own}
	for _, types := range [][2]string{{"text", "text"}, {"varchar(200)", "bigint"}, {"citext", "uuid"}, {"char(100)", "varchar(30)"}, {"text", "char(30)"}, {"text", "citext"}} {
		email, id := types[0], types[1]
		index := "lower(email)"
		if email == "citext" {
			index = "email"
		}
		postgrestest.Exec(t, url, `DROP TABLE IF EXISTS users; CREATE TABLE users (id `+id+` PRIMARY KEY, email `+email+`, password text, changed timestamp);
			CREATE INDEX users_email ON users (`+index+`)`)
		s := open(t, url, &Users{Table: "users", ID: "id", Email: "email", Password: "password", ChangedAt: "changed"})
		stores[email] = s
		checkPages(t, email+", "+id, s)
		for _, p := range []string{plan(t, s, s.users.find, "text[]", "'{ann@example.com}'"), plan(t, s, s.users.lock, "text", "NULL")} {
			if strings.Contains(p, "Seq Scan") || !strings.Contains(p, "Index Cond") {
				t.Errorf("%s, %s:\n%s", email, id, p)
			}
		}
	}
	checkPages(t, "rekey's own", own)
	for what, p := range map[string]string{
		"sweep of tokens":      plan(t, own, sweeps()[0], "timestamptz, float8", "now(), 1"),
		"sweep of submissions": plan(t, own, sweeps()[1], "timestamptz, float8", "now(), 1"),
		"sweep of mails":       plan(t, own, sweeps()[2], "timestamptz, float8", "now(), 1"),
		"find":                 plan(t, own, own.users.find, "text[]", "'{ann@example.com}'"),
		"end":                  plan(t, own, own.users.endSessions, "text", "'ann'"),
		"mails":                plan(t, own, "SELECT count(*) FROM rekey.mails WHERE account_id = $1 AND mail <> 'm' AND at > now()", "text", "'ann'"),
		"audit":                plan(t, own, "SELECT at FROM rekey.audit WHERE account_id = $1 ORDER BY id", "text", "'ann'"),
	} {
		if strings.Contains(p, "Seq Scan") || !strings.Contains(p, "Index Cond") {
			t.Errorf("%s:\n%s", what, p)
		}
	}
}

// checkPages checks that a page costs as much as its accounts, wherever it is.
func checkPages(t *testing.T, what string, s *Store) {
	t.Helper()
	for statement, p := range map[string]string{
		"first": plan(t, s, s.users.first, "int", "10"), "next": plan(t, s, s.users.next, "int, text", "10, NULL"),
	} {
		if strings.Contains(p, "Seq Scan") || strings.Contains(p, "Sort") || strings.Contains(p, "Index Cond") != (statement == "next") {
			t.Errorf("%s, %s:\n%s", what, statement, p)
		}
	}
}

// A worker that loses its network in the middle of a transaction locks a row of the application
// for a minute. Without the limit it would be as long as TCP takes to notice.
func TestForgottenTransactionsEnd(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	must(t, Migrate(t.Context(), Config{URL: url}, func(Migration) {}))
	s := open(t, url, nil)
	var timeout string
	must(t, s.update(t.Context(), func(tx pgx.Tx) error {
		if err := lock(t.Context(), tx, "ann"); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&timeout)
	}))
	if timeout != "1min" {
		t.Errorf("timeout %q", timeout)
	}
}

// Workers of two releases must agree on the lock of an account.
func TestLockKeyIsFrozen(t *testing.T) {
	t.Parallel()
	if got := lockKey("ann"); got != 9066499019290402158 {
		t.Errorf("the lock of ann is %d", got)
	}
}
