package postgres_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// grants are the statements of a page that follow a heading, for a database of a test.
func grants(t *testing.T, after string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations/postgresql.md")
	must(t, err)
	_, rest, found := strings.Cut(string(page), after)
	_, block, _ := strings.Cut(rest, "```sql\n")
	block, _, _ = strings.Cut(block, "```")
	if !found || block == "" {
		t.Fatalf("docs/operations/postgresql.md has no statements after %q", after)
	}
	return block
}

// security 24: an auditor needs the rights that the documents name and may do nothing else. The
// error names a missing right.
func TestAuditorNeedsLittle(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; INSERT INTO users VALUES (1, 'Ann@Example.com', 'secret hash'), (2, 'ann@example.org', 'secret hash')`)
	must(t, openUsers(t, url, plainUsers()).Record(t.Context(), account.Entry{At: noon, Event: account.EventMailIssued, AccountID: "1"}))
	role := "auditor_" + databaseOf(url)
	as := strings.Replace(url, "user=postgres", "user="+role, 1)
	sql, _, err := adopt(t, url, postgres.AdoptConfig{})
	must(t, err)
	postgrestest.Exec(t, url, sql)
	open := func() *postgres.Auditor {
		a, err := postgres.OpenAuditor(t.Context(), postgres.Config{URL: as})
		must(t, err)
		t.Cleanup(func() { must(t, a.Close()) })
		return a
	}
	postgrestest.Exec(t, url, `CREATE ROLE `+role+` LOGIN`)
	_, err = open().Entries(t.Context(), account.Filter{})
	if err == nil || !strings.Contains(err.Error(), "USAGE ON SCHEMA rekey, and SELECT ON rekey.audit") {
		t.Errorf("without rights: %v", err)
	}
	log, byAddress, _ := strings.Cut(strings.ReplaceAll(grants(t, "An auditor"), "auditor", role), "GRANT SELECT (id, address)")
	_, log, _ = strings.Cut(log, "GRANT")
	postgrestest.Exec(t, url, "GRANT"+log)
	lines, err := open().Entries(t.Context(), account.Filter{Event: account.EventMailIssued})
	must(t, err)
	if len(lines) != 1 || lines[0].AccountID != "1" {
		t.Errorf("lines: %+v", lines)
	}
	_, err = open().Owners(t.Context(), "ann@example.com")
	if wrong, ok := errors.AsType[*postgres.SettingError](err); !ok || wrong.Setting != "Table" || !strings.Contains(err.Error(), "for the ID and the address") {
		t.Errorf("without the right on addresses: %v", err)
	}
	postgrestest.Exec(t, url, "GRANT SELECT (id, address)"+byAddress)
	ids, err := open().Owners(t.Context(), "ann@example.com")
	must(t, err)
	if len(ids) != 1 || ids[0] != "1" {
		t.Errorf("owners: %v", ids)
	}
	conn, err := pgx.Connect(t.Context(), as)
	must(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	for _, more := range []string{
		`SELECT credential FROM rekey.users`, `SELECT password FROM users`, `UPDATE users SET email = email`, `DELETE FROM rekey.audit`, `UPDATE rekey.audit SET detail = ''`,
		`INSERT INTO rekey.audit (at, event, run, account_id, client, operator, detail) VALUES (now(), '', '', '', '', '', '')`, `SELECT FROM rekey.tokens`,
	} {
		if _, err := conn.Exec(t.Context(), more); err == nil {
			t.Errorf("an auditor may %s", more)
		}
	}
}

// A database without rekey's schema has an error of its own.
func TestAuditorWithoutASchema(t *testing.T) {
	t.Parallel()
	a, err := postgres.OpenAuditor(t.Context(), postgres.Config{URL: postgrestest.Database(t)})
	must(t, err)
	defer a.Close()
	if _, err := a.Entries(t.Context(), account.Filter{}); !errors.Is(err, postgres.ErrSchemaOld) {
		t.Errorf("error %v", err)
	}
}
