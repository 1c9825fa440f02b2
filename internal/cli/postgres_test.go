package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
	if !regexp.MustCompile(`^applied 00001_tables.sql \([\d.]+m?s\)\napplied 00002_notices.sql \([\d.]+m?s\)\napplied 00003_audit.sql \([\d.]+m?s\)\napplied 00004_begun.sql \([\d.]+m?s\)\napplied 00005_locale.sql \([\d.]+m?s\)\nthe schema rekey is at version 5\n$`).MatchString(first) {
		t.Errorf("the first time it says %q", first)
	}
	if again := okay(t, "migrate", "--store", url); again != "the schema rekey is at version 5\n" {
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
	refused(t, []string{"adopt", "--store", url}, "--sessions ($REKEY_SESSIONS)", "say hash")
	refused(t, []string{"adopt", "--store", url, "--table=user"}, "--table ($REKEY_TABLE)", "no table user in the schemas")
	refused(t, []string{"adopt", "--store", url, "--recipe=harbor"}, "--recipe ($REKEY_RECIPE)", "want one of better-auth")
	refused(t, []string{"adopt", "--store", newStore(t)}, "--store ($REKEY_STORE)", "postgres://")
	adopted(t, url, "--sessions=logins")
	refused(t, onPostgres(t, url), "TEMPORAL_ADDRESS")
	postgrestest.Exec(t, url, `DROP TRIGGER change_password ON rekey.users`)
	refused(t, onPostgres(t, url), "--store ($REKEY_STORE)", "run the file of `rekey adopt` again")
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

// A worker of 0.2 that is upgraded does not look for its users elsewhere.
func TestTableOfUsersIsGone(t *testing.T) {
	t.Setenv("REKEY_USERS_TABLE", "users")
	wrong(t, workerArgs(t), "REKEY_USERS_TABLE", "run `rekey adopt`")
}

// adopted runs the file of `rekey adopt`, and returns what it reports.
func adopted(t *testing.T, url string, more ...string) string {
	t.Helper()
	var sql, found strings.Builder
	if err := run(t.Context(), append([]string{"adopt", "--store", url, "--role=postgres"}, more...), &sql, &found); err != nil {
		t.Fatal(err)
	}
	postgrestest.Exec(t, url, sql.String())
	return found.String()
}

// Each format of hashes is reported, with what rekey does with it.
func TestAdoptReportsFormats(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	okay(t, "migrate", "--store", url)
	postgrestest.Exec(t, url, `CREATE TABLE users (id int PRIMARY KEY, email text, password text); CREATE TABLE sessions (user_id int);
		INSERT INTO users VALUES (1, '1@example.com', '$2y$12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq'), (2, '2@example.com', '$2y$08$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq'),
			(3, '3@example.com', '$1$salt$secretsecretsecretsecre'), (4, '4@example.com', NULL), (5, '5@example.com', '!')`)
	found := adopted(t, url)
	for _, want := range []string{
		"      1 of 5 hashes: $2y$ 2y12\n", "LOOK: 1 of 5 hashes: $2y$ 2y08, bcrypt should have a cost of 10 at least\n",
		"LOOK: 1 of 5 hashes: $1$, which rekey does not make, so no mail is sent", "      2 of 5 hashes: no password, so no mail is sent\n",
	} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is missing in\n%s", want, found)
		}
	}
	for _, secret := range []string{"iBVNEn", "secretsecret", "@example.com"} {
		if strings.Contains(found, secret) {
			t.Errorf("it shows %q:\n%s", secret, found)
		}
	}
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
	refused(t, append(as, "ann@example.com"), "--store ($REKEY_STORE)", "GRANT SELECT on its columns for the ID and the address")
	postgrestest.Exec(t, url, `GRANT SELECT (id, address) ON rekey.accounts TO `+role)
	if out := okay(t, append(as, "Ann@example.com")...); strings.Count(out, "mail_issued") != 1 || strings.Contains(out, "bob") {
		t.Errorf("her log:\n%s", out)
	}
	refused(t, append(as, "eve@example.com"), "no account has this address")
	refused(t, []string{"forget", "--store", as[2], "--as", "a.smith", "--yes", "ann"}, "GRANT")
}
