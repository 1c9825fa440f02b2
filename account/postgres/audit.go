package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// Record implements [account.Store].
func (s *Store) Record(ctx context.Context, e account.Entry) error {
	return s.update(ctx, func(tx pgx.Tx) error { return audit(ctx, tx, e) })
}

// Audit returns the audit log of an account, oldest first. The empty ID selects entries without
// an account.
func (s *Store) Audit(ctx context.Context, accountID string) ([]account.Entry, error) {
	return s.Entries(ctx, account.Filter{AccountIDs: []string{accountID}})
}

// Entries implements [account.Archive]. The user of the database needs USAGE ON SCHEMA rekey and
// SELECT ON rekey.audit.
func (s *Store) Entries(ctx context.Context, f account.Filter) ([]account.Entry, error) {
	rows, err := s.pool.Query(ctx, `SELECT at, event, run, account_id, client, operator, detail FROM rekey.audit
		WHERE ($1::text[] IS NULL OR account_id = ANY ($1)) AND ($2 = '' OR run = $2) AND ($3 = '' OR event = $3)
			AND ($4 = '' OR operator = $4) AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
		ORDER BY id DESC LIMIT $7`,
		f.AccountIDs, f.Run, string(f.Event), f.Operator, optional(f.Since, f.Since.IsZero()), optional(f.Until, f.Until.IsZero()),
		optional(f.Last, f.Last == 0))
	if err != nil {
		return nil, readable(err)
	}
	log, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e account.Entry, err error) {
		err = row.Scan(&e.At, &e.Event, &e.Run, &e.AccountID, &e.Client, &e.Operator, &e.Detail)
		e.At = e.At.UTC()
		return e, err
	})
	slices.Reverse(log)
	return log, readable(err)
}

// readable is fault for a read of the audit log.
func readable(err error) error {
	switch sqlState(err) {
	case noPermission:
		return missingGrant("USAGE ON SCHEMA rekey, and SELECT ON rekey.audit")
	case noSchema, noTable:
		return ErrSchemaOld
	}
	return fault(err)
}

// optional is NULL for a value that is none.
func optional[T any](value T, none bool) *T {
	if none {
		return nil
	}
	return &value
}

// sweepBatch is how many lines of the audit log one transaction deletes at most.
const sweepBatch = 1000

// SweepAudit implements [account.Store]. The user of the database needs DELETE ON rekey.audit and
// SELECT of its columns id and at, so that a worker cannot read the rest. When several workers
// sweep at the same time, one may leave the rest for an hour later.
func (s *Store) SweepAudit(ctx context.Context, now time.Time, keep time.Duration) (swept int, err error) {
	for {
		n := 0
		err := s.update(ctx, func(tx pgx.Tx) (err error) {
			n, err = exec(ctx, tx, `DELETE FROM rekey.audit WHERE id IN (SELECT id FROM rekey.audit
				WHERE at < least($1::timestamptz, now()) - $2::interval ORDER BY at LIMIT $3)`, now, keep, sweepBatch)
			if sqlState(err) == noPermission {
				err = missingGrant("DELETE, SELECT (id, at) ON rekey.audit")
			}
			return err
		})
		if err != nil || n < sweepBatch {
			return swept + n, err
		}
		swept += n
	}
}

func audit(ctx context.Context, tx pgx.Tx, e account.Entry) error {
	_, err := tx.Exec(ctx, `INSERT INTO rekey.audit (at, event, run, account_id, client, operator, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`, e.At, e.Event, e.Run, e.AccountID, e.Client, e.Operator, e.Detail)
	return err
}
