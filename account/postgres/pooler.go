package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrPooled means that a pooler in between gives each transaction another session, as
// PgBouncer does in transaction mode.
var ErrPooled = errors.New("a migration locks its session, and a pooler such as PgBouncer changes sessions: give `rekey migrate` the address of the server itself")

// pooled reports whether a pooler is in between. Without one, the process that the start of a
// connection names is the server's own. The test costs a connection, and decides how statements
// are sent. Prepared names stay in a session that the next process gets too (SQLSTATE 42P05).
func pooled(ctx context.Context, c *pgx.ConnConfig) (bool, error) {
	probe := c.Copy()
	probe.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, probe)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(ctx) }() // its work is done
	own, err := session(ctx, conn)
	if err != nil || own == conn.PgConn().PID() {
		return false, err
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeExec
	return true, nil
}

func session(ctx context.Context, conn *pgx.Conn) (pid uint32, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid)
	return pid, err
}

// moveWait is how long a pooler may take to find another session.
const moveWait = 3 * time.Second

// moves reports whether a pooler gives a connection another session for its next transaction.
// While a second connection is in one, the first gets another session, or none.
func moves(ctx context.Context, c *pgx.ConnConfig) (bool, error) {
	first, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return false, err
	}
	defer func() { _ = first.Close(ctx) }()
	second, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return false, err
	}
	defer func() { _ = second.Close(ctx) }()
	before, err := session(ctx, first)
	if err != nil {
		return false, err
	}
	tx, err := second.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	limited, cancel := context.WithTimeout(ctx, moveWait)
	defer cancel()
	after, err := session(limited, first)
	return err != nil || after != before, nil
}
