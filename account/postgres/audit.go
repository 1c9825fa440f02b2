package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// Record implements [account.Store].
func (s *Store) Record(ctx context.Context, e account.Entry) error {
	return s.update(ctx, func(tx pgx.Tx) error { return audit(ctx, tx, e) })
}

// Audit returns the audit log of an account, oldest first; of the empty ID, what was
// logged without an account.
func (s *Store) Audit(ctx context.Context, accountID string) ([]account.Entry, error) {
	rows, err := s.pool.Query(ctx, `SELECT at, event, run, account_id, client, operator, detail
		FROM rekey.audit WHERE account_id = $1 ORDER BY id`, accountID)
	if err != nil {
		return nil, fault(err)
	}
	log, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e account.Entry, err error) {
		err = row.Scan(&e.At, &e.Event, &e.Run, &e.AccountID, &e.Client, &e.Operator, &e.Detail)
		e.At = e.At.UTC()
		return e, err
	})
	return log, fault(err)
}

func audit(ctx context.Context, tx pgx.Tx, e account.Entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO rekey.audit (at, event, run, account_id, client, operator, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, e.At, e.Event, e.Run, e.AccountID, e.Client, e.Operator, e.Detail)
	return err
}
