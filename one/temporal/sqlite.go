package temporal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/resolver"
	"go.temporal.io/server/schema/sqlite"
)

// openSQLite opens one database for everything.
func openSQLite(ctx context.Context, file string) (*stores, error) {
	store := sqliteStore(file)
	if file != "" {
		if err := createSchema(ctx, store, file); err != nil {
			return nil, fmt.Errorf("temporal file %s: %w", file, spoiled(err))
		}
	}
	// More shards only help several hosts: SQLite has one writer.
	return &stores{runs: store, list: store, shards: 1, close: func() error { return nil }}, nil
}

// SQLite's errors for a file that is no database, or a damaged one (sqlite3.h: SQLITE_CORRUPT
// and SQLITE_NOTADB).
var damaged = regexp.MustCompile(`\((11|26)\)$|malformed|not a database`)

// spoiled names the remedy for a damaged file.
func spoiled(err error) error {
	if !damaged.MatchString(err.Error()) {
		return err
	}
	return fmt.Errorf("it is damaged, or no database of Temporal: put a copy back, or delete it and those with -wal and -shm after its name: all runs are lost then, so open resets end and mailed links stop working; accounts and passwords stay (%w)", err)
}

// sqliteStore describes the database: a file, or one in memory under a name of its
// own, so that servers in one process share nothing.
func sqliteStore(file string) *config.SQL {
	store := &config.SQL{
		PluginName: sqliteplugin.PluginName,
		// SQLite has one writer; a second connection only adds busy stalls.
		MaxConns:     1,
		MaxIdleConns: 1,
	}
	if file == "" {
		store.DatabaseName = rand.Text()
		store.ConnectAttributes = map[string]string{"mode": "memory", "cache": "shared"}
		return store
	}
	// The name ends up in a URL, so a path with ? or % in it must be escaped.
	store.DatabaseName = (&url.URL{Path: file}).EscapedPath()
	store.ConnectAttributes = map[string]string{
		"mode": "rwc",
		// Readers do not wait for the writer, and a commit is one append.
		"journal_mode": "wal",
		// A second process on the same file is refused instead of ruining it.
		"locking_mode": "exclusive",
		// Sync each commit: an accepted request survives a power cut. 1 would be
		// 4 ms faster per reset and survive a killed process only.
		"synchronous": "2",
	}
	return store
}

// createSchema creates the tables in one transaction. A process killed in the middle leaves an
// empty file and not one that never starts again. A file that has them already is left as it
// is.
func createSchema(ctx context.Context, store *config.SQL, file string) (err error) {
	// Histories are encrypted, yet no other user needs them.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := checkSchema(ctx, file); err != nil {
		return err
	}
	db, err := sql.NewSQLAdminDB(sqlplugin.DbKindUnknown, store, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := sqlite.SetupSchemaOnDB(db); err != nil {
		rollback := db.Exec("ROLLBACK")
		if strings.Contains(err.Error(), "already exists") {
			return rollback
		}
		return errors.Join(err, rollback)
	}
	return db.Exec("COMMIT")
}
