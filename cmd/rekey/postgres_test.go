package main

import (
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// onPostgres is a command line of a worker whose accounts are in a database.
func onPostgres(t *testing.T, url string, more ...string) []string {
	t.Helper()
	return workerArgs(t, append([]string{"--store", url}, more...)...)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	refused(t, onPostgres(t, url), "--store ($REKEY_STORE)", "run `rekey migrate`")
	first := okay(t, "migrate", "--store", url)
	if !regexp.MustCompile(`^applied 00001_tables.sql \([\d.]+m?s\)\napplied 00002_notices.sql \([\d.]+m?s\)\napplied 00003_audit.sql \([\d.]+m?s\)\napplied 00004_begun.sql \([\d.]+m?s\)\nthe schema rekey is at version 4\n$`).MatchString(first) {
		t.Errorf("the first time it says %q", first)
	}
	if again := okay(t, "migrate", "--store", url); again != "the schema rekey is at version 4\n" {
		t.Errorf("the second time it says %q", again)
	}
	refused(t, []string{"migrate", "--store", newStore(t)}, "--store ($REKEY_STORE)", "postgres://")
	refused(t, []string{"migrate"}, "set --store ($REKEY_STORE)")
}

// A worker that reaches Temporal has found its accounts.
func TestWorkerOnPostgres(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	url := postgrestest.Database(t)
	okay(t, "migrate", "--store", url)
	refused(t, onPostgres(t, url), "TEMPORAL_ADDRESS")
	postgrestest.Exec(t, url, `CREATE TABLE users (id int PRIMARY KEY, mail text, password_hash text, sso boolean); CREATE TABLE logins (user_id int)`)
	columns := []string{"--users-table=users", "--email-column=mail", "--password-column=password_hash"}
	refused(t, onPostgres(t, url, columns...), "--sessions-table ($REKEY_SESSIONS_TABLE)", "--changed-at-column ($REKEY_CHANGED_AT_COLUMN)")
	columns = append(columns, "--sessions-table=logins")
	refused(t, onPostgres(t, url, append(columns, "--email-column=email")...), "--email-column ($REKEY_EMAIL_COLUMN)", `no column "email"`)
	refused(t, onPostgres(t, url, append(columns, "--users-table=user")...), "--users-table ($REKEY_USERS_TABLE)", "no table user")
	refused(t, onPostgres(t, url, append(columns, "--sessions-user-column=who")...), "--sessions-user-column ($REKEY_SESSIONS_USER_COLUMN)", `no column "who"`)
	refused(t, onPostgres(t, url, append(columns, "--disabled-column=mail")...), "--disabled-column ($REKEY_DISABLED_COLUMN)", "of the type text")
	refused(t, onPostgres(t, url, columns...), "TEMPORAL_ADDRESS")
}

// The worker logs that no account is visible, which shows nowhere else.
func TestWorkerSaysThatNobodyIsThere(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	url := postgrestest.Database(t)
	okay(t, "migrate", "--store", url)
	for _, want := range []bool{true, false} {
		if !want {
			postgrestest.Exec(t, url, `INSERT INTO rekey.accounts (id, address) VALUES ('ann', 'ann@example.com')`)
		}
		var log strings.Builder
		if err := run(t.Context(), onPostgres(t, url), io.Discard, &log); err == nil {
			t.Error("it works without a Temporal server")
		}
		if got := strings.Contains(log.String(), "sees no account"); got != want {
			t.Errorf("nobody is there: %v; the log is %s", want, log.String())
		}
	}
}

// No output shows the password.
func TestPasswordOfTheDatabase(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-of-postgres"
	for _, args := range [][]string{
		onPostgres(t, "postgres://rekey:"+secret+"@127.0.0.1:1/app"),
		onPostgres(t, "postgres://rekey:"+secret+"@db.example.com/app?sslmode=disable"),
		{"migrate", "--store", "postgres://rekey:" + secret + "@127.0.0.1:1/app"},
		{"migrate", "--store", "postgres://rekey:" + secret + "%%@127.0.0.1:1/app"},
	} {
		var out, log strings.Builder
		err := run(t.Context(), args, &out, &log)
		if err == nil || !strings.Contains(err.Error(), "--store ($REKEY_STORE)") || strings.Contains(err.Error()+out.String()+log.String(), secret) {
			t.Errorf("%s: %v, %s%s", args[0], err, out.String(), log.String())
		}
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "postgres://rekey@127.0.0.1:1/app"
	refused(t, onPostgres(t, url, "--store-password-file", file), "--store ($REKEY_STORE)", "127.0.0.1:1", "connection refused")
	refused(t, onPostgres(t, url, "--store-password-file", file+".none"), "--store-password-file ($REKEY_STORE_PASSWORD_FILE)", "no such file")
	empty := []string{"--store-password-file", secretFile(t, "")} // PGPASSWORD would count in its place
	for _, args := range [][]string{onPostgres(t, url, empty...), append([]string{"migrate", "--store", url}, empty...)} {
		refused(t, args, "--store-password-file ($REKEY_STORE_PASSWORD_FILE): the file is empty")
	}
	if cfg, err := databaseConfig(url, file); err != nil || cfg.Password != secret {
		t.Errorf("the password is %q, %v", cfg.Password, err)
	}
}

// security 41: accounts do not travel in clear.
func TestDatabaseInClearIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{onPostgres(t, "postgres://rekey@db.example.com/app"), {"migrate", "--store", "postgres://rekey@db.example.com/app?sslmode=require"}} {
		refused(t, args, "--store ($REKEY_STORE)", "sslmode=verify-full")
	}
}

func TestUsersTableIsForPostgres(t *testing.T) {
	t.Parallel()
	wrong(t, workerArgs(t, "--users-table=users"), "--users-table ($REKEY_USERS_TABLE)", "PostgreSQL")
}

// Each field of postgres.Users has a flag, and its error names the flag.
func TestUsersHaveFlags(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, f := range flags(t) {
		known["--"+f.Name+" ($"+f.Envs[0]+")"] = true
	}
	users := reflect.TypeFor[postgres.Users]()
	for field := range users.Fields() {
		if name := field.Name; !known[usersSettings[name]] {
			t.Errorf("%s is the setting %q, which is no flag", name, usersSettings[name])
		}
	}
	all := usersFlags{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}
	if got := reflect.ValueOf(*all.users()); got.NumField() != 10 || !allSet(got) {
		t.Errorf("a flag is not passed on: %+v", got)
	}
}

func allSet(v reflect.Value) bool {
	for _, field := range v.Fields() {
		if field.IsZero() {
			return false
		}
	}
	return true
}

// rekey audit works with the rights of an auditor, and names a missing one.
func TestAuditWithTheRightsOfAnAuditor(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	okay(t, "migrate", "--store", url)
	database, _, _ := strings.Cut(strings.TrimPrefix(url, "postgres:///"), "?")
	role := "reads_" + database
	postgrestest.Exec(t, url, `CREATE ROLE `+role+` LOGIN; GRANT USAGE ON SCHEMA rekey TO `+role+`; GRANT SELECT ON rekey.audit TO `+role+`;
		INSERT INTO rekey.accounts (id, address) VALUES ('ann', 'ann@example.com');
		INSERT INTO rekey.audit (at, event, run, account_id, client, operator, detail) VALUES (now(), 'mail_issued', '', 'ann', '', '', ''), (now(), 'mail_issued', '', 'bob', '', '', '')`)
	as := []string{"audit", "--store", strings.Replace(url, "user=postgres", "user="+role, 1)}
	if out := okay(t, as...); strings.Count(out, "mail_issued") != 2 {
		t.Errorf("the log:\n%s", out)
	}
	refused(t, append(as, "ann@example.com"), "--users-table ($REKEY_USERS_TABLE)", "GRANT SELECT on its columns for the ID and the address")
	postgrestest.Exec(t, url, `GRANT SELECT (id, address) ON rekey.accounts TO `+role)
	if out := okay(t, append(as, "Ann@example.com")...); strings.Count(out, "mail_issued") != 1 || strings.Contains(out, "bob") {
		t.Errorf("her log:\n%s", out)
	}
	refused(t, append(as, "eve@example.com"), "no account has this address")
	refused(t, []string{"forget", "--store", as[2], "--as", "a.smith", "--yes", "ann"}, "GRANT")
}
