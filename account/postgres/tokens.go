package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// IssueToken implements [account.Store].
func (s *Store) IssueToken(ctx context.Context, t account.TokenRecord, limit int) (issued account.Issued, err error) {
	err = s.update(ctx, func(tx pgx.Tx) (err error) {
		if err := lock(ctx, tx, t.AccountID); err != nil {
			return err
		}
		if issued, err = countMail(ctx, tx, t, limit); err != nil {
			return err
		}
		if err := insertToken(ctx, tx, t); err != nil {
			return err
		}
		return audit(ctx, tx, account.Entry{
			At: t.Issued, Event: account.EventMailIssued, Run: t.Run, AccountID: t.AccountID, Client: t.Client, Operator: t.Operator,
		})
	})
	return issued, err
}

// countMail notes a mail, or a copy of one, unless the account or the mail has had enough.
func countMail(ctx context.Context, tx pgx.Tx, t account.TokenRecord, limit int) (account.Issued, error) {
	rows, _ := tx.Query(ctx, `SELECT expires FROM rekey.tokens WHERE account_id = $1 AND mail = $2 AND key <> $3`, t.AccountID, t.Mail, t.Key[:])
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t account.TokenRecord, err error) {
		return t, row.Scan(&t.Expires)
	})
	if err != nil {
		return account.Issued{}, err
	}
	rows, _ = tx.Query(ctx, `SELECT mail, at FROM rekey.mails WHERE account_id = $1`, t.AccountID)
	counted, err := pgx.CollectRows(rows, pgx.RowToStructByPos[account.Counted])
	if err != nil {
		return account.Issued{}, err
	}
	name, issued, err := t.Judge(out, counted, limit)
	if err != nil {
		return issued, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO rekey.mails (account_id, mail, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		t.AccountID, name, t.Issued)
	return issued, err
}

// Complained implements [account.Store].
func (s *Store) Complained(ctx context.Context, e account.Entry) error {
	return s.update(ctx, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, e.AccountID); err != nil {
			return err
		}
		c := account.Complaint(e.At)
		_, err := tx.Exec(ctx, `INSERT INTO rekey.mails (account_id, mail, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			e.AccountID, c.Name, c.At)
		if err != nil {
			return err
		}
		return audit(ctx, tx, e)
	})
}

func insertToken(ctx context.Context, tx pgx.Tx, t account.TokenRecord) error {
	_, err := tx.Exec(ctx, `INSERT INTO rekey.tokens (key, scope, account_id, address, credential, run, mail, client, operator, issued, expires)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (key) DO UPDATE SET (scope, account_id, address, credential, run, mail, client, operator, issued, expires) =
			(excluded.scope, excluded.account_id, excluded.address, excluded.credential, excluded.run, excluded.mail, excluded.client, excluded.operator, excluded.issued, excluded.expires)`,
		t.Key[:], t.Scope, t.AccountID, t.Address, t.Credential[:], t.Run, t.Mail, t.Client, t.Operator, t.Issued, t.Expires)
	return err
}

// RevokeToken implements [account.Store].
func (s *Store) RevokeToken(ctx context.Context, key account.RecordKey, at time.Time) error {
	return s.update(ctx, func(tx pgx.Tx) error {
		e := account.Entry{At: at, Event: account.EventMailRevoked}
		err := tx.QueryRow(ctx, `DELETE FROM rekey.tokens WHERE key = $1 RETURNING run, account_id, client, operator`, key[:]).
			Scan(&e.Run, &e.AccountID, &e.Client, &e.Operator)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return audit(ctx, tx, e)
	})
}

// record returns the record of the token that was submitted.
func record(ctx context.Context, tx pgx.Tx, c account.Change) (account.TokenRecord, error) {
	t := account.TokenRecord{Key: c.Record}
	var credential []byte
	err := tx.QueryRow(ctx, `SELECT scope, run, account_id, address, credential, mail, client, operator, issued, expires FROM rekey.tokens
		WHERE key = $1`, c.Record[:]).
		Scan(&t.Scope, &t.Run, &t.AccountID, &t.Address, &credential, &t.Mail, &t.Client, &t.Operator, &t.Issued, &t.Expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, account.ErrTokenUnknown
	}
	copy(t.Credential[:], credential)
	t.Issued, t.Expires = t.Issued.UTC(), t.Expires.UTC()
	return t, cmp.Or(err, c.Takes(t))
}
