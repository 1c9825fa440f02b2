package temporal

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/iancoleman/strcase"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	v12 "go.temporal.io/server/schema/postgresql/v12"
)

// connectWait is how long a server may take to answer; a URL can say less.
const connectWait = 10 * time.Second

// openPostgres opens two databases of one PostgreSQL server, as Temporal wants it. In one
// database the versions of their tables would be kept in the same row.
func openPostgres(ctx context.Context, url, password string) (*stores, error) {
	runs, err := pgx.ParseConfig(url)
	if err != nil {
		// The error has no details: its text may hold the password.
		return nil, errors.New("database for temporal: not a URL like postgres://USER@HOST:PORT/DATABASE")
	}
	runs.Password = cmp.Or(password, runs.Password)
	runs.Database = cmp.Or(runs.Database, "temporal")
	runs.ConnectTimeout = min(cmp.Or(runs.ConnectTimeout, connectWait), connectWait)
	list := runs.Copy()
	list.Database += "_visibility"

	alone, err := claim(ctx, runs)
	if err != nil {
		return nil, fmt.Errorf("database %s for temporal: %w", runs.Database, err)
	}
	release := func() error { return alone.Close(context.WithoutCancel(ctx)) }
	for _, t := range []tables{
		{"postgresql/v12/temporal", v12.Version, runs},
		{"postgresql/v12/visibility", v12.VisibilityVersion, list},
	} {
		if err := t.prepare(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("database %s for temporal: %w", t.database.Database, err), release())
		}
	}
	return &stores{runs: postgresStore(runs, 16), list: postgresStore(list, 4), shards: 4, close: release}, nil
}

// postgresStore describes a database to the server. From parts of a URL the server
// would put together another one, which no space in a password survives, and no socket.
func postgresStore(database *pgx.ConnConfig, connections int) *config.SQL {
	return &config.SQL{
		PluginName:   postgresql.PluginNamePGX,
		DatabaseName: database.Database,
		Connect: func(*config.SQL) (*sqlx.DB, error) {
			return pool(stdlib.GetConnector(*database), connections)
		},
	}
}

func pool(to driver.Connector, connections int) (*sqlx.DB, error) {
	db := sqlx.NewDb(sql.OpenDB(to), "pgx")
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.MapperFunc(strcase.ToSnake)                               // how the server's plugin names columns
	if err := db.PingContext(context.Background()); err != nil { // the URL has a timeout
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
