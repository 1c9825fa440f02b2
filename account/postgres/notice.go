package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// noticeOf is the debt in a row of rekey.submissions; known is false for a row from before it
// had that. The error of encoding/json is left out, because it may quote an address.
func noticeOf(row pgx.Row) (n account.Notice, known bool, err error) {
	var debt *string
	err = row.Scan(&n.Submission, &n.Run, &n.AccountID, &n.Changed, &debt)
	n.Changed = n.Changed.UTC()
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return n, false, account.ErrNotFound
	case err != nil || debt == nil:
		return n, false, err
	case json.Unmarshal([]byte(*debt), &n.Debt) != nil:
		return n, false, &Error{text: "the column debt of rekey.submissions is damaged for the run " + n.Run}
	}
	return n, true, nil
}

const selectNotice = `SELECT id, run, account_id, at, debt FROM rekey.submissions `

// Notice implements [account.Store].
func (s *Store) Notice(ctx context.Context, run, submission string) (n account.Notice, err error) {
	err = s.update(ctx, func(tx pgx.Tx) error {
		n, err = s.notice(ctx, tx, `WHERE run = $1 AND ($2 = '' OR id = $2) ORDER BY at DESC LIMIT 1`, run, submission)
		return err
	})
	return n, err
}

// notice reads the debt of a submission and locks it.
func (s *Store) notice(ctx context.Context, tx pgx.Tx, which string, args ...any) (account.Notice, error) {
	n, known, err := noticeOf(tx.QueryRow(ctx, selectNotice+which+` FOR UPDATE`, args...))
	if err != nil || known {
		return n, err
	}
	a, err := one(tx.Query(ctx, s.users.read, n.AccountID))
	switch {
	case errors.Is(err, account.ErrNotFound):
	case err != nil:
		return n, err
	default:
		n.Debt = account.NewDebt(a, account.Change{}) // there were no other changes then
	}
	return n, owe(ctx, tx, n)
}

// owe writes the debt of a submission.
func owe(ctx context.Context, tx pgx.Tx, n account.Notice) error {
	debt, err := json.Marshal(n.Debt)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE rekey.submissions SET debt = $2, owed = $3 WHERE id = $1`, n.Submission, string(debt), !n.Settled())
	return err
}

// remember writes a submission and its debt.
func remember(ctx context.Context, tx pgx.Tx, accountID string, c account.Change, d account.Debt) error {
	debt, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO rekey.submissions (id, account_id, run, at, debt, owed) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.Submission, accountID, c.Run, c.At, string(debt), !d.Settled())
	return err
}

// Tell implements [account.Store].
func (s *Store) Tell(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (n account.Notice, err error) {
	err = s.update(ctx, func(tx pgx.Tx) error {
		n, err = s.notice(ctx, tx, `WHERE id = $1`, submission)
		if err != nil {
			return err
		}
		if what == account.TellGivenUp && !n.Settled() {
			if err := audit(ctx, tx, n.GivenUp(at)); err != nil {
				return err
			}
		}
		n.Debt = n.After(what, address, at)
		return owe(ctx, tx, n)
	})
	return n, err
}

// Owed implements [account.Store].
func (s *Store) Owed(ctx context.Context, before time.Time, most int) (found []account.Notice, err error) {
	rows, err := s.pool.Query(ctx, selectNotice+`WHERE owed AND at < $1 ORDER BY random() LIMIT $2`, before, most)
	if err != nil {
		return nil, fault(err)
	}
	defer rows.Close()
	var damaged error
	for rows.Next() {
		n, _, err := noticeOf(rows)
		if err != nil {
			damaged = err
			continue
		}
		found = append(found, n)
	}
	return found, fault(cmp.Or(rows.Err(), damaged))
}

// End implements [account.Store]. A change that is being made holds the lock of its account;
// one that comes later finds no token.
func (s *Store) End(ctx context.Context, run string, at time.Time) (n account.Notice, err error) {
	applied := false
	err = s.update(ctx, func(tx pgx.Tx) error {
		if err := dropRun(ctx, tx, run, at); err != nil {
			return err
		}
		n, err = s.notice(ctx, tx, `WHERE run = $1 ORDER BY at DESC LIMIT 1`, run)
		applied = err == nil
		if errors.Is(err, account.ErrNotFound) {
			return nil // and commit the deletion
		}
		return err
	})
	if err == nil && !applied {
		err = account.ErrNotFound
	}
	return n, err
}

// dropRun deletes the token records of a run. No submission of it begins afterwards.
func dropRun(ctx context.Context, tx pgx.Tx, run string, at time.Time) error {
	rows, err := tx.Query(ctx, `SELECT DISTINCT account_id FROM rekey.tokens WHERE run = $1 ORDER BY account_id`, run)
	if err != nil {
		return err
	}
	owners, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if err := lock(ctx, tx, owner); err != nil {
			return err
		}
		gone, err := exec(ctx, tx, `DELETE FROM rekey.tokens WHERE run = $1 AND account_id = $2`, run, owner)
		if err != nil {
			return err
		}
		if gone == 0 {
			continue // a change was first
		}
		if err := audit(ctx, tx, account.Entry{At: at, Event: account.EventResetEnded, Run: run, AccountID: owner}); err != nil {
			return err
		}
	}
	_, err = exec(ctx, tx, `UPDATE rekey.begun SET ended = true WHERE run = $1`, run)
	return err
}
