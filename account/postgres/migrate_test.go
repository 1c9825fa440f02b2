package postgres_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pressly/goose/v3/lock"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// Several processes may migrate at once, as when they are all rolled out together: each
// step is taken once, and all of them succeed.
func TestMigrateBesideItself(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	var taken []postgres.Migration
	for range 4 {
		all.Go(func() {
			err := postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(m postgres.Migration) {
				mu.Lock()
				defer mu.Unlock()
				taken = append(taken, m)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(taken) != postgres.SchemaVersion || taken[0].Name != "00001_tables.sql" {
		t.Errorf("steps taken: %+v", taken)
	}
}

// Migrate waits for another one that runs.
func TestMigrateWaitsForAnother(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	app := connect(t, url)
	app.exec(fmt.Sprintf("SELECT pg_advisory_lock(%d)", lock.DefaultLockID))
	done := make(chan error, 1)
	go func() { done <- postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {}) }()
	app.until(`SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_try_advisory_lock%' AND state = 'idle')`)
	app.until(`SELECT NOT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'rekey' AND tablename = 'tokens')`)
	app.exec("SELECT pg_advisory_unlock_all()")
	must(t, <-done)
}

// Another process that makes the schema at the same moment is no fault.
func TestMigrateWhileTheSchemaIsMade(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	app, other := connect(t, url), connect(t, url)
	app.exec("BEGIN; CREATE SCHEMA rekey")
	done := make(chan error, 1)
	go func() { done <- postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {}) }()
	other.until(waiting)
	app.exec("COMMIT")
	must(t, <-done)
}

func TestMigrateAgainKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	must(t, openAt(t, url).Put(t.Context(), ann()))
	must(t, postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(m postgres.Migration) { t.Errorf("took %+v again", m) }))
	_, err := openAt(t, url).Account(t.Context(), "ann")
	must(t, err)
}

// A worker works with the schema it knows and no other. Its error names the remedy.
func TestOpenJudgesTheSchema(t *testing.T) {
	t.Parallel()
	const insert = "INSERT INTO rekey.goose_db_version (version_id, is_applied) VALUES "
	for what, test := range map[string]struct {
		before  string
		want    error
		migrate bool // is the advice
	}{
		"no schema":   {"DROP SCHEMA rekey CASCADE", postgres.ErrSchemaOld, true},
		"no versions": {"DROP TABLE rekey.goose_db_version", postgres.ErrSchemaOld, true},
		"old":         {"DELETE FROM rekey.goose_db_version WHERE version_id > 0", postgres.ErrSchemaOld, true},
		"new":         {insert + "(99, true)", postgres.ErrSchemaNew, false},
	} {
		url := migrated(t)
		postgrestest.Exec(t, url, test.before)
		_, err := postgres.Open(t.Context(), postgres.Config{URL: url})
		if !errors.Is(err, test.want) || strings.Contains(err.Error(), "rekey migrate") != test.migrate {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// An older release does nothing to the schema of a newer one.
func TestMigrateNewerSchema(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, "INSERT INTO rekey.goose_db_version (version_id, is_applied) VALUES (99, true)")
	if err := postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {}); !errors.Is(err, postgres.ErrSchemaNew) {
		t.Errorf("error %v", err)
	}
}

// An index that an interrupted migration left is not valid. The next migration makes it anew,
// and no line of the audit log waits for it.
func TestMigrateAfterAnInterruptedOne(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, `DELETE FROM rekey.goose_db_version WHERE version_id >= 3; DROP TABLE rekey.begun; DROP INDEX rekey.audit_run;
		UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'rekey.audit_at'::regclass`)
	must(t, postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {}))
	postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT count(*) = 2 FROM pg_index WHERE indisvalid
		AND indexrelid IN (to_regclass('rekey.audit_at'), to_regclass('rekey.audit_run'))); END $$`)
}

// Foreign tables in a schema of that name are left alone.
func TestMigrateAnothersSchema(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	postgrestest.Exec(t, url, "CREATE SCHEMA rekey; CREATE TABLE rekey.tokens (secret text)")
	err := postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {})
	if err == nil || !strings.Contains(err.Error(), "42P07") || !strings.Contains(err.Error(), "did not make") {
		t.Errorf("error %v", err)
	}
	postgrestest.Exec(t, url, "SELECT secret FROM rekey.tokens")
}

// A released migration is never changed; a new one is a file more.
func TestMigrationsAreNumbered(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(os.DirFS("schema"), "*.sql")
	must(t, err)
	if len(files) != postgres.SchemaVersion {
		t.Errorf("%d files, schema version %d", len(files), postgres.SchemaVersion)
	}
	for i, name := range files {
		number, _, _ := strings.Cut(filepath.Base(name), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			t.Errorf("%s is in place %d", name, i+1)
		}
	}
}
