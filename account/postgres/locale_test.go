package postgres_test

import (
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// An application may have put a view of its users in place of rekey's own table. The step of the
// schema leaves it alone, and its accounts have no language until it has the column.
func TestLocaleOfAViewInPlaceOfTheTable(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	const view = `CREATE VIEW rekey.accounts AS SELECT id, address, '{}'::text[] AS notify, credential, false AS disabled, true AS resettable`
	postgrestest.Exec(t, url, `DROP TABLE rekey.accounts CASCADE; CREATE TABLE people (id text PRIMARY KEY, address text, credential text, lang text);
		INSERT INTO people VALUES ('ann', 'ann@example.com', '$argon2id$old', 'de'); `+view+` FROM people; DELETE FROM rekey.goose_db_version WHERE version_id = 5`)
	must(t, postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {}))
	for locale, add := range map[string]string{"": view, "de": view + `, lang AS locale`} {
		postgrestest.Exec(t, url, `DROP VIEW rekey.accounts; `+add+` FROM people`)
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		if a, err := s.Account(t.Context(), "ann"); err != nil || a.Locale != locale {
			t.Errorf("want the language %q: %+v, %v", locale, a, err)
		}
	}
}
