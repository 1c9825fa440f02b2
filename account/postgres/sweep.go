package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Sweep implements [account.Store].
func (s *Store) Sweep(ctx context.Context, before time.Time) (swept int, err error) {
	err = s.update(ctx, func(tx pgx.Tx) error {
		swept = 0
		for _, old := range []string{
			`DELETE FROM rekey.tokens WHERE expires < $1`,
			`DELETE FROM rekey.submissions WHERE at < $1 AND NOT owed`,
			`DELETE FROM rekey.mails WHERE at < $1`,
		} {
			n, err := exec(ctx, tx, old, before)
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
