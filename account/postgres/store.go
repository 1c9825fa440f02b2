package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekeyhq/rekey/account"
)

// Store is an [account.Store] in PostgreSQL. Several may be open on one database, in one
// process or many.
type Store struct {
	pool  *pgxpool.Pool
	users statements
	notes []Note
}

var _ account.Store = (*Store)(nil)

// Close implements [account.Store].
func (s *Store) Close() error {
	s.pool.Close()
	return nil
}

const (
	attempts   = 6
	firstPause = 5 * time.Millisecond // doubled after each attempt, and varied by half of it
)

// update runs a transaction, and repeats it after a conflict with another one, a few times and
// within the context. It is unknown whether a transaction whose connection broke was committed:
// that is an error, and the caller's to retry.
func (s *Store) update(ctx context.Context, f func(pgx.Tx) error) error {
	for attempt, pause := 1, firstPause; ; attempt, pause = attempt+1, 2*pause {
		err := pgx.BeginTxFunc(ctx, s.pool, writing(), f)
		if attempt == attempts || !conflicts(err) {
			return fault(err)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // nothing is secret about a pause
		case <-ctx.Done():
			return fault(ctx.Err())
		}
	}
}

// conflicts reports that another transaction was in the way of one that failed.
func conflicts(err error) bool {
	switch sqlState(err) {
	case serializationFails, deadlockDetected, uniqueViolation:
		return true
	default:
		return false
	}
}

// writing is how every transaction begins.
func writing() pgx.TxOptions {
	return pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}
}

// lock serializes work on one account, in this process and in others, until the transaction
// ends. A server that loses its worker in a transaction would keep the locks until TCP notices.
// That includes the lock of a row of the application's own table; hence the timeout.
func lock(ctx context.Context, tx pgx.Tx, accountID string) error {
	_, err := tx.Exec(ctx, `SELECT set_config('idle_in_transaction_session_timeout', '60s', true), pg_advisory_xact_lock($1)`, lockKey(accountID))
	return err
}

// lockKey is the advisory lock of an account. All releases must agree on it.
func lockKey(accountID string) int64 {
	sum := sha256.Sum256([]byte("rekey account|" + accountID))
	return int64(binary.BigEndian.Uint64(sum[:8])) //nolint:gosec // any 64 bits will do
}

// exec runs a statement of a transaction and returns how many rows it was about.
func exec(ctx context.Context, tx pgx.Tx, statement string, args ...any) (int, error) {
	tag, err := tx.Exec(ctx, statement, args...)
	return int(tag.RowsAffected()), err
}
