package postgres

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

var _ account.HostLedger = (*Store)(nil)

// Begin implements [account.HostLedger].
func (s *Store) Begin(ctx context.Context, c account.Change) (t account.TokenRecord, applied bool, err error) {
	err = s.update(ctx, func(tx pgx.Tx) error {
		t, applied = account.TokenRecord{}, false
		if err := lockOwner(ctx, tx, c); err != nil {
			return err
		}
		owner, done, err := repeated(ctx, tx, c)
		if done || err != nil {
			t.AccountID, applied = owner, done
			return err
		}
		t, err = begin(ctx, tx, c)
		return err
	})
	if err != nil {
		return account.TokenRecord{}, false, err
	}
	return t, applied, nil
}

func begin(ctx context.Context, tx pgx.Tx, c account.Change) (account.TokenRecord, error) {
	known, err := begunBy(tx.Query(ctx, `SELECT begun, ended FROM rekey.begun WHERE submission = $1`, c.Submission))
	switch {
	case err != nil:
		return account.TokenRecord{}, err
	case len(known) > 0 && (c.Takes(known[0].Token) != nil || known[0].Ended):
		return account.TokenRecord{}, account.ErrTokenUnknown
	case len(known) > 0:
		known[0].Change.At = c.At
		return known[0].Token, keep(ctx, tx, known[0])
	}
	t, err := record(ctx, tx, c)
	if err != nil {
		return t, err
	}
	return t, keep(ctx, tx, account.NewBegun(t, c))
}

// keep writes what began, with the time of the last attempt.
func keep(ctx context.Context, tx pgx.Tx, b account.Begun) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO rekey.begun (submission, account_id, run, at, begun) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (submission) DO UPDATE SET at = excluded.at, begun = excluded.begun`,
		b.Change.Submission, b.Token.AccountID, b.Change.Run, b.Change.At, string(text))
	return err
}

// begunBy reads rows of rekey.begun. The error of encoding/json is left out, because it may quote
// an address.
func begunBy(rows pgx.Rows, err error) ([]account.Begun, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b account.Begun, err error) {
		var text string
		var ended bool
		if err := row.Scan(&text, &ended); err != nil {
			return b, err
		}
		if json.Unmarshal([]byte(text), &b) != nil {
			return b, &Error{text: "a row of rekey.begun is damaged"}
		}
		b.Ended = ended
		return b, nil
	})
}

// Finish implements [account.HostLedger].
func (s *Store) Finish(ctx context.Context, c account.Change, a account.Account) error {
	return s.update(ctx, func(tx pgx.Tx) error {
		if err := lock(ctx, tx, a.ID); err != nil {
			return err
		}
		if _, done, err := repeated(ctx, tx, c); done || err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `DELETE FROM rekey.begun WHERE submission = $1`, c.Submission); err != nil {
			return err
		}
		return note(ctx, tx, a, c)
	})
}

// Begun implements [account.HostLedger].
func (s *Store) Begun(ctx context.Context, run string) ([]account.Begun, error) {
	found, err := begunBy(s.pool.Query(ctx, `SELECT begun, ended FROM rekey.begun WHERE $1 = '' OR run = $1`, run))
	if errors.As(err, new(*Error)) {
		return nil, err
	}
	return found, fault(err)
}
