package temporal

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	"go.temporal.io/server/tools/sql"
)

// tables are the tables of a server's database.
type tables struct {
	name     string // of their folder among the schemas that the server embeds
	version  string // of schema.sql in that folder
	database *pgx.ConnConfig
}

// prepare creates the database and the tables where they are missing, and brings those
// of an older server up to date.
func (t tables) prepare(ctx context.Context) error {
	conn, err := connect(ctx, t.database)
	if err != nil {
		return err
	}
	if err := conn.Close(ctx); err != nil {
		return err
	}
	if err := t.update(); code(err) == notAllowed {
		return fmt.Errorf("user %s may not create tables in it; make it the owner of the database: %w", t.database.User, err)
	} else if err != nil {
		return fmt.Errorf("create the tables: %w", err)
	}
	return nil
}

// update runs the server's own tool, as its operators do.
func (t tables) update() error {
	store := postgresStore(t.database, 1)
	store.Connect = func(*config.SQL) (*sqlx.DB, error) {
		return pool(keeper{stdlib.GetConnector(*t.database)}, 1)
	}
	db, err := sql.NewConnection(store, log.NewNoopLogger())
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ReadSchemaVersion(); err != nil {
		return t.create(db)
	}
	return schema.NewUpdateSchemaTask(db, &schema.UpdateConfig{SchemaName: t.name}, log.NewNoopLogger()).Run()
}

// create creates all tables or none, so that a process killed in the middle leaves an
// empty database. The steps from version to version, which an update takes, cannot be in
// a transaction.
func (t tables) create(db *sql.Connection) error {
	if err := db.Exec("BEGIN"); err != nil {
		return err
	}
	setup := &schema.SetupConfig{SchemaName: t.name, InitialVersion: t.version}
	if err := schema.NewSetupSchemaTask(db, setup, log.NewNoopLogger()).Run(); err != nil {
		return errors.Join(err, db.Exec("ROLLBACK"))
	}
	return db.Exec("COMMIT")
}

// keeper connects for one transaction of several calls: pgx would give a connection up that
// is in a transaction when a call ends.
type keeper struct{ driver.Connector }

// Connect implements [driver.Connector].
func (k keeper) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return kept{conn.(*stdlib.Conn)}, nil
}

type kept struct{ *stdlib.Conn }

// ResetSession implements [driver.SessionResetter].
func (kept) ResetSession(context.Context) error { return nil }
