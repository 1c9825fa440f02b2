package postgres_test

import (
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// noted are the notes of a store in one text; those to mend are marked.
func noted(s *postgres.Store) string {
	var all []string
	for _, n := range s.Notes() {
		mark := "know: "
		if n.Mend {
			mark = "mend: "
		}
		all = append(all, mark+n.Text)
	}
	return strings.Join(all, "\n")
}

// turkish makes a database like another one, whose locale folds I otherwise.
func turkish(t *testing.T) string {
	t.Helper()
	url := postgrestest.Database(t)
	postgrestest.Exec(t, url, `CREATE DATABASE `+name(url)+`_tr TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR' LOCALE 'C.UTF-8'`)
	tr := strings.Replace(url, name(url)+"?", name(url)+"_tr?", 1)
	must(t, postgres.Migrate(t.Context(), postgres.Config{URL: tr}, func(postgres.Migration) {}))
	return tr
}

func name(url string) string {
	database := databaseOf(url)
	return database
}

// security 20: a locale in which I and i are two letters hides no account. The type of the
// addresses does not matter, nor whether the column or the database has the locale. Where a
// note is made, the index that it proposes serves.
func TestLettersFoldedByALocale(t *testing.T) {
	t.Parallel()
	inTurkish, inC := turkish(t), migrated(t)
	for kind, url := range map[string]string{
		"text in Turkish": inTurkish, "citext in Turkish": inTurkish, "varchar(99) in Turkish": inTurkish,
		`text COLLATE "tr-x-icu" in C`: inC, "text in C": inC,
	} {
		declared, _, _ := strings.Cut(kind, " in ")
		postgrestest.Exec(t, url, anew+`CREATE EXTENSION citext; CREATE TABLE users (id integer PRIMARY KEY, email `+declared+`, password text, changed_at timestamptz);
			INSERT INTO users VALUES (1, 'INFO@example.com'), (2, 'Ilker.Isik@Example.com'), (3, 'lower.info@example.com')`)
		users := plainUsers()
		users.Sessions, users.SessionsUser, users.ChangedAt = "", "", "changed_at"
		s := openUsers(t, url, users)
		for address, want := range map[string]string{"info@example.com": "1", "ilker.isik@example.com": "2", "lower.info@example.com": "3"} {
			found, err := s.Find(t.Context(), address)
			must(t, err)
			if len(found) != 1 || found[0].ID != want {
				t.Errorf("%s: %s: found %d", kind, address, len(found))
			}
		}
		if tells := strings.Contains(noted(s), `the collation "C"`); tells != (kind != "text in C") {
			t.Errorf("%s: notes:\n%s", kind, noted(s))
		}
		_, index, _ := strings.Cut(noted(s), "mend: no index serves the look-up by address, so each request reads the whole table: ")
		index, _, _ = strings.Cut(index, "\n")
		postgrestest.Exec(t, url, index)
		if again := noted(openUsers(t, url, users)); index == "" || strings.Contains(again, "mend:") {
			t.Errorf("%s: after %q:\n%s", kind, index, again)
		}
	}
}

// The advice can be followed. A view has no index, a partitioned table none that is made
// CONCURRENTLY, and an index of something else does not serve.
func TestIndexThatIsAskedFor(t *testing.T) {
	t.Parallel()
	const columns = `(id integer, email text, password text, tenant integer, changed_at timestamptz)`
	url := migrated(t)
	for what, test := range map[string]struct{ tables, want, index string }{
		"index with another column first": {
			`CREATE TABLE users ` + columns + `; CREATE INDEX ON users (tenant, lower(email))`,
			`CREATE INDEX CONCURRENTLY ON "public"."users" (lower("email"::text))`, "",
		},
		"table": {`CREATE TABLE users ` + columns, `CREATE INDEX CONCURRENTLY ON "public"."users" (lower("email"::text))`, ""},
		"partitioned table": {
			`CREATE TABLE users ` + columns + ` PARTITION BY HASH (id); CREATE TABLE users_0 PARTITION OF users FOR VALUES WITH (MODULUS 1, REMAINDER 0)`,
			`CREATE INDEX ON "public"."users" (lower("email"::text))`, "",
		},
		"view with an index of something else": {
			`CREATE TABLE people ` + columns + `; CREATE INDEX ON people (tenant); CREATE VIEW users AS SELECT * FROM people WHERE tenant = 5`,
			`index the table under the view on lower("email"::text)`, `CREATE INDEX ON people (lower(email::text))`,
		},
	} {
		postgrestest.Exec(t, url, anew+test.tables)
		users := plainUsers()
		users.Sessions, users.SessionsUser, users.ChangedAt = "", "", "changed_at"
		_, index, _ := strings.Cut(noted(openUsers(t, url, users)), "reads the whole table: ")
		if index != test.want {
			t.Errorf("%s: want %q, noted %q", what, test.want, index)
			continue
		}
		if test.index != "" {
			index = test.index + `; DROP INDEX people_tenant_idx`
		}
		postgrestest.Exec(t, url, index)
		if again := noted(openUsers(t, url, users)); strings.Contains(again, "mend:") {
			t.Errorf("%s: after %q:\n%s", what, index, again)
		}
	}
}

// A time in the past is no ban in a column whose name says that it is an end.
func TestBansThatAreOver(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	for column, want := range map[string]string{
		"banned_until timestamptz": "2", "locked_until timestamp": "2", `"suspendedTill" timestamptz`: "2", "lockout_end timestamptz": "2",
		`"LOCKED_UNTIL" timestamptz`: "2", `"banEndsAt" timestamptz`: "2", "ban_expires_at timestamp": "2", "expiry timestamp": "2",
		"suspend_at timestamptz": "12", "suspend_date timestamp": "12", "weekend timestamptz": "12", `"suspendDate" timestamptz`: "12",
		"deleted_at timestamptz": "12", "banned_at timestamp": "12", "attended timestamp": "12",
	} {
		postgrestest.Exec(t, url, anew+plainTables("integer")+`; ALTER TABLE users DROP banned; ALTER TABLE users ADD `+column+`;
			INSERT INTO users VALUES (1, 'a@example.com', 'old', NULL, now() - interval '1 hour'), (2, 'b@example.com', 'old', NULL, now() + interval '1 hour'), (3, 'c@example.com', 'old', NULL, NULL)`)
		users := plainUsers()
		users.Disabled = strings.Trim(strings.Fields(column)[0], `"`)
		s, closed := openUsers(t, url, users), []string(nil)
		for _, id := range []string{"1", "2", "3"} {
			a, err := s.Account(t.Context(), id)
			must(t, err)
			if a.Disabled {
				closed = append(closed, id)
			}
		}
		if strings.Join(closed, "") != want || !strings.Contains(noted(s), "an account is closed") {
			t.Errorf("%s: closed are %q, want %q; notes:\n%s", column, closed, want, noted(s))
		}
	}
}

// The notes of rekey's own tables are empty.
func TestOwnTablesHaveNoNotes(t *testing.T) {
	t.Parallel()
	if got := noted(openAt(t, migrated(t)).Store); got != "" {
		t.Errorf("notes:\n%s", got)
	}
}
