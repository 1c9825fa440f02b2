package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	gooselock "github.com/pressly/goose/v3/lock"
)

//go:embed schema/*.sql
var migrations embed.FS

// SchemaVersion is the version of the schema that this package reads and writes.
const SchemaVersion = 5

// versions is goose's table of applied migrations.
const versions = "rekey.goose_db_version"

// Errors about the version of the schema.
var (
	// ErrSchemaOld means that the schema is missing, or of an older release.
	ErrSchemaOld = errors.New("the schema rekey is missing or old: run `rekey migrate`")
	// ErrSchemaNew means that a newer release has changed the schema.
	ErrSchemaNew = errors.New("the schema rekey is of a newer release: run that release")
)

// Migration is a step that was taken.
type Migration struct {
	Version int64
	Name    string // of its file
	Took    time.Duration
}

// Migrate makes the schema, or brings it up to date, and reports each step. It may be
// repeated and may run beside itself: each step is taken once, under an advisory lock. Users
// of cfg is not looked at; the user must be allowed to make the schema. Errors: [ErrURL],
// [ErrPasswordInURL], [ErrService], [ErrClear], [ErrPooled], [ErrSchemaNew], an [*Error] (of the
// Code "42501" for a permission that is missing), and the end of ctx.
func Migrate(ctx context.Context, cfg Config, report func(Migration)) error {
	conf, err := cfg.pool()
	if err != nil {
		return err
	}
	between, err := pooled(ctx, conf.ConnConfig)
	if err == nil && between {
		between, err = moves(ctx, conf.ConnConfig)
	}
	if err != nil {
		return fault(err)
	}
	if between {
		return ErrPooled
	}
	db := stdlib.OpenDB(*conf.ConnConfig)
	err = migrate(ctx, db, report)
	return errors.Join(err, db.Close())
}

func migrate(ctx context.Context, db *sql.DB, report func(Migration)) error {
	if err := makeSchema(ctx, db); err != nil {
		return fault(err)
	}
	steps, err := provider(db)
	if err != nil {
		return err
	}
	for {
		done, err := steps.UpByOne(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			break
		}
		if err != nil {
			return fault(err)
		}
		report(Migration{done.Source.Version, path.Base(done.Source.Path), done.Duration})
	}
	version, err := steps.GetDBVersion(ctx)
	if err != nil {
		return fault(err)
	}
	return judge(version)
}

func provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "schema")
	if err != nil {
		return nil, err
	}
	store, err := database.NewStore(database.DialectPostgres, versions)
	if err != nil {
		return nil, err
	}
	locker, err := gooselock.NewPostgresSessionLocker(gooselock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectCustom, db, files, goose.WithStore(store),
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
}

// makeSchema makes the schema of goose's own table. It looks first: a user without the right to
// make a schema can use an existing one.
func makeSchema(ctx context.Context, db *sql.DB) error {
	var there bool
	err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'rekey')`).Scan(&there)
	if err != nil || there {
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE SCHEMA IF NOT EXISTS rekey`)
	if sqlState(err) == uniqueViolation {
		return nil // another one has made it at the same moment
	}
	return err
}

// checkVersion refuses a schema that this package does not know.
func checkVersion(ctx context.Context, db querier) error {
	var version int64
	err := db.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM `+versions+` WHERE is_applied`).Scan(&version)
	switch sqlState(err) {
	case noSchema, noTable:
		return ErrSchemaOld
	case noPermission:
		return missingGrant("USAGE ON SCHEMA rekey, and SELECT ON " + versions)
	}
	if err != nil {
		return fault(err)
	}
	return judge(version)
}

func judge(version int64) error {
	switch {
	case version < SchemaVersion:
		return fmt.Errorf("version %d, want %d: %w", version, SchemaVersion, ErrSchemaOld)
	case version > SchemaVersion:
		return fmt.Errorf("version %d, want %d: %w", version, SchemaVersion, ErrSchemaNew)
	}
	return nil
}
