package temporal_test

import (
	"context"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/one/temporal"
)

// The tables of an older server are brought up to date: they have all that a new database
// has. A table that no server reads any more may be left.
func TestOlderTablesAreUpdated(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	fresh, older := postgrestest.Database(t), postgrestest.Database(t)
	postgrestest.Exec(t, older, `CREATE DATABASE "`+name(t, older)+`_visibility"`)
	install(t, older, "postgresql/v12/temporal", "1.17")
	install(t, beside(t, older), "postgresql/v12/visibility", "1.9")
	for _, database := range []string{fresh, older} {
		start(t, temporal.Options{Database: database})
	}
	for i, of := range []string{"runs", "list"} {
		if i == 1 {
			fresh, older = beside(t, fresh), beside(t, older)
		}
		has := shape(t, older)
		for _, line := range shape(t, fresh) {
			if !slices.Contains(has, line) {
				t.Errorf("updated tables of the %s lack %s", of, line)
			}
		}
	}
}

func name(t *testing.T, database string) string {
	t.Helper()
	return parse(t, database).Path[1:]
}

// beside is the second of the two databases.
func beside(t *testing.T, database string) string {
	t.Helper()
	u := parse(t, database)
	u.Path += "_visibility"
	return u.String()
}

// install installs the tables of an earlier server, with its own tool.
func install(t *testing.T, database, folder, version string) {
	t.Helper()
	db, err := sql.NewConnection(&config.SQL{
		PluginName: postgresql.PluginNamePGX, DatabaseName: name(t, database),
		Connect: func(*config.SQL) (*sqlx.DB, error) { return sqlx.Connect("pgx", database) },
	}, log.NewNoopLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := schema.NewSetupSchemaTask(db, &schema.SetupConfig{InitialVersion: "0.0"}, log.NewNoopLogger()).Run(); err != nil {
		t.Fatal(err)
	}
	to := &schema.UpdateConfig{SchemaName: folder, TargetVersion: version}
	if err := schema.NewUpdateSchemaTask(db, to, log.NewNoopLogger()).Run(); err != nil {
		t.Fatal(err)
	}
}

// shape lists the columns and indexes of a database.
func shape(t *testing.T, database string) (lines []string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, `
		SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
		FROM information_schema.columns WHERE table_schema = 'public'
		UNION SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	if lines, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	return lines
}

// When a table cannot be created none is, so that another try finds the database as it was.
func TestTablesAllOrNone(t *testing.T) {
	t.Parallel()
	database := postgrestest.Database(t)
	postgrestest.Exec(t, database, "CREATE TABLE nexus_endpoints ()") // one of the last
	refused(t, database, "create the tables", "already exists")
	postgrestest.Exec(t, database, "DROP TABLE nexus_endpoints")
	if left := shape(t, database); len(left) > 0 {
		t.Errorf("%d columns and indexes are left, the first is %s", len(left), left[0])
	}
	start(t, temporal.Options{Database: database})
}
