package temporal

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// PostgreSQL's codes of errors that an operator can correct.
const (
	noDatabase     = "3D000"
	databaseExists = "42P04"
	notAllowed     = "42501"
	lockTimeout    = "55P03"
)

// oldest is the oldest PostgreSQL that this release of Temporal supports.
const oldest = 12

// code is the SQLSTATE of an error, or "".
func code(err error) string {
	var told *pgconn.PgError
	if errors.As(err, &told) {
		return told.Code
	}
	return ""
}

// claim connects to a database, and excludes other claims while the connection lasts. Two
// servers of one shard would take it from each other all the time.
func claim(ctx context.Context, database *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := connect(ctx, database)
	if err != nil {
		return nil, err
	}
	// A server killed a moment ago is still noticed, and one whose machine lost power within half a
	// minute. The number is "rekey" in ASCII.
	_, err = conn.PgConn().Exec(ctx, "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET lock_timeout = '5s'; SELECT pg_advisory_lock(x'72656b6579'::bigint)").ReadAll()
	if err == nil {
		return conn, nil
	}
	if code(err) == lockTimeout {
		err = errors.New("another Temporal server of rekey uses it; stop that one or name another database")
	}
	return nil, errors.Join(err, conn.Close(ctx))
}

// connect connects to a database, which it creates when it is missing. No error of pgx
// has a password: it names user, host and database.
func connect(ctx context.Context, database *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, database)
	if code(err) == noDatabase {
		if err := create(ctx, database); err != nil {
			return nil, err
		}
		conn, err = pgx.ConnectConfig(ctx, database)
	}
	if err != nil {
		return nil, err
	}
	var major int
	version := conn.PgConn().ParameterStatus("server_version")
	if _, err := fmt.Sscan(version, &major); err != nil || major < oldest {
		return nil, errors.Join(fmt.Errorf("PostgreSQL %s is too old; Temporal needs %d or newer", version, oldest), conn.Close(ctx))
	}
	return conn, nil
}

// create creates a database, through the one that every PostgreSQL has.
func create(ctx context.Context, database *pgx.ConnConfig) error {
	usual := database.Copy()
	usual.Database = "postgres"
	conn, err := pgx.ConnectConfig(ctx, usual)
	if err != nil {
		return fmt.Errorf("it is missing, and it can only be created through database postgres: %w", err)
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database.Database}.Sanitize())
	switch code(err) {
	case databaseExists: // another process was faster
		err = nil
	case notAllowed:
		err = fmt.Errorf("it is missing and user %s may not create it; create it with that owner: %w", database.User, err)
	}
	return errors.Join(err, conn.Close(ctx))
}
