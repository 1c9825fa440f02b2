package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// old is before which time nothing is kept, by both clocks. It is one for the whole statement,
// so that an index serves.
const old = `least($1::timestamptz, now() - make_interval(secs => $2::float8))`

// sweeps delete what is older.
func sweeps() []string {
	return []string{
		`DELETE FROM rekey.tokens WHERE expires < ` + old,
		`DELETE FROM rekey.submissions WHERE NOT owed AND at < ` + old,
		`DELETE FROM rekey.mails WHERE at < ` + old,
		`DELETE FROM rekey.begun WHERE at < ` + old,
	}
}

// Now is the time of the database.
func (s *Store) Now(ctx context.Context) (at time.Time, err error) {
	err = s.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&at)
	return at, fault(err)
}

// Sweep implements [account.Store]. The clock of the database counts too, so that a worker
// whose own is days ahead deletes no needed record.
func (s *Store) Sweep(ctx context.Context, before time.Time) (swept int, err error) {
	err = s.update(ctx, func(tx pgx.Tx) error {
		swept = 0
		for _, sweep := range sweeps() {
			n, err := exec(ctx, tx, sweep, before, account.Kept.Seconds())
			if err != nil {
				return err
			}
			swept += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return swept, nil
}
