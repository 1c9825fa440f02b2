package postgrestest

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// kept are idle connections by the URLs of their databases. A new one is a new process of the
// server, which costs more than most statements do.
var kept = struct {
	sync.Mutex
	idle map[string]*pgx.Conn
}{idle: map[string]*pgx.Conn{}}

// Exec runs statements in the database of a URL. Statements of one test may share a session.
func Exec(tb testing.TB, database, statements string) {
	tb.Helper()
	ctx := context.Background() // also for a test that is over
	conn := idle(database)
	if conn == nil || conn.Ping(ctx) != nil {
		var err error
		if conn, err = pgx.Connect(ctx, database); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			if left := idle(database); left != nil {
				_ = left.Close(ctx)
			}
		})
	}
	if _, err := conn.PgConn().Exec(ctx, statements).ReadAll(); err != nil {
		_ = conn.Close(ctx)
		tb.Fatalf("%s: %v", statements, err)
	}
	kept.Lock()
	defer kept.Unlock()
	if other := kept.idle[database]; other != nil {
		_ = other.Close(ctx)
	}
	kept.idle[database] = conn
}

// idle takes the connection to a database, if there is one.
func idle(database string) *pgx.Conn {
	kept.Lock()
	defer kept.Unlock()
	conn := kept.idle[database]
	delete(kept.idle, database)
	return conn
}
