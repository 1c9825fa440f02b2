package temporal

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	persistence "go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
)

// errSchema refuses the file of another server. The server itself does not look (VerifyVersion of
// its SQLite plugin, v1.32.1), and has no way to update the tables of a file.
var errSchema = errors.New("its tables are those of another version of Temporal's server: let the open resets end with the build that made it, a day at most, and move the file away")

// checkSchema compares the tables of a file, which nothing has open, with those that this server
// makes. A file without tables is a new one.
func checkSchema(ctx context.Context, file string) error {
	u := url.URL{Scheme: "file", OmitHost: true, Path: file, RawQuery: "mode=ro"}
	made, err := tablesOf(ctx, u.String())
	switch {
	case err != nil && strings.Contains(err.Error(), "SQLITE_BUSY"):
		return nil // a server of this process has used it before, or one of another process is told of soon
	case err != nil || made == "":
		return err
	}
	store := sqliteStore("")
	db, err := persistence.NewSQLAdminDB(sqlplugin.DbKindUnknown, store, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // it is in memory, where the plugin makes all tables
	want, err := tablesOf(ctx, "file:"+store.DatabaseName+"?mode=memory&cache=shared")
	if err == nil && made != want {
		err = errSchema
	}
	return err
}

// tablesOf are the statements that made the tables and indexes of a database.
func tablesOf(ctx context.Context, dsn string) (all string, err error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return "", err
	}
	err = db.QueryRowContext(ctx, "SELECT COALESCE(group_concat(sql, char(10)), '') FROM (SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name)").Scan(&all)
	return all, errors.Join(err, db.Close())
}
