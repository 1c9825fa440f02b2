package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/sethvargo/go-retry"

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
	firstPause = 5 * time.Millisecond
	jitter     = 50 // percent
)

// update runs a transaction, and runs it again when another one was in its way, a few
// times and no longer than the context says. Whether a transaction whose connection broke
// was committed is not known: that is an error, and the caller's to repeat.
func (s *Store) update(ctx context.Context, f func(pgx.Tx) error) error {
	pauses := retry.WithMaxRetries(attempts-1, retry.WithJitterPercent(jitter, retry.NewExponential(firstPause)))
	return fault(retry.Do(ctx, pauses, func(ctx context.Context) error {
		err := pgx.BeginTxFunc(ctx, s.pool, writing(), f)
		switch sqlState(err) {
		case serializationFails, deadlockDetected, uniqueViolation:
			return retry.RetryableError(err)
		default:
			return err
		}
	}))
}

// writing is how every transaction begins.
func writing() pgx.TxOptions {
	return pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}
}

// lock keeps what concerns one account from running beside itself, in this process and in
// others, until the transaction ends. A server that loses its worker in the middle of a
// transaction would keep the locks, also that of a row of the application's own table, for
// as long as TCP does not notice; hence the timeout.
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
