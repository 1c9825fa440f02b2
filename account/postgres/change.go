package postgres

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/failpoint"
)

// ChangePassword implements [account.Store].
func (s *Store) ChangePassword(ctx context.Context, c account.Change) (owner string, err error) {
	var refusal error
	err = s.update(ctx, func(tx pgx.Tx) error {
		owner, refusal, err = s.change(ctx, tx, c)
		return err
	})
	if refusal := never(err); refusal != nil {
		return "", s.refuse(ctx, owner, c, refusal)
	}
	if err := cmp.Or(err, refusal); err != nil {
		return "", err
	}
	failpoint.Hit(failpoint.AfterCommit)
	return owner, nil
}

// change is the transaction. A refusal is committed, so that it is in the audit log.
func (s *Store) change(ctx context.Context, tx pgx.Tx, c account.Change) (owner string, refusal, err error) {
	if err := lockOwner(ctx, tx, c); err != nil {
		return "", nil, err
	}
	if owner, done, err := repeated(ctx, tx, c); done || err != nil {
		return owner, nil, err
	}
	t, err := record(ctx, tx, c)
	if err != nil {
		return "", nil, err
	}
	a, err := s.allowed(ctx, tx, t, c)
	switch {
	case errors.Is(err, account.ErrRefused):
		return "", err, audit(ctx, tx, c.Entry(t.AccountID, account.EventChangeRefused, err.Error()))
	case err != nil:
		return "", nil, err
	}
	return t.AccountID, nil, s.apply(ctx, tx, a, c)
}

// lockOwner locks the account of the token. Without a record there is nothing to lock: if
// this very submission deleted it, the next statement sees that submission.
func lockOwner(ctx context.Context, tx pgx.Tx, c account.Change) error {
	t, err := record(ctx, tx, c)
	if errors.Is(err, account.ErrTokenUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	return lock(ctx, tx, t.AccountID)
}

// repeated reports whether a submission was applied before, and to whom.
func repeated(ctx context.Context, tx pgx.Tx, c account.Change) (owner string, done bool, err error) {
	var run string
	err = tx.QueryRow(ctx, `SELECT account_id, run FROM rekey.submissions WHERE id = $1`, c.Submission).Scan(&owner, &run)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return "", false, nil
	case err == nil && run != c.Run:
		return "", false, account.ErrTokenUnknown
	}
	return owner, err == nil, err
}

// allowed returns the account of a token record if it has not changed since the mail. The new
// hash must have the form of the old one. The account stays so until the transaction ends.
func (s *Store) allowed(ctx context.Context, tx pgx.Tx, t account.TokenRecord, c account.Change) (account.Account, error) {
	a, err := one(tx.Query(ctx, s.users.lock, t.AccountID))
	if errors.Is(err, account.ErrNotFound) {
		return a, account.ErrAccountGone
	}
	if err != nil {
		return a, err
	}
	return a, cmp.Or(t.Fits(a), c.Fits(a))
}

var errNotUpdated error = &Error{final: true, text: "the row of the account was not updated: look for a trigger or a rule on the table"}

var errNotStored error = &Error{final: true, text: "the database stored another hash than the new one: look for a trigger that hashes, or for the function behind a view"}

// write sets the hash of an account, and reads it back: a trigger may hash it once more, or keep the
// old one.
func (s *Store) write(ctx context.Context, tx pgx.Tx, set, hash, id string) error {
	changed, err := exec(ctx, tx, set, hash, id)
	if err != nil {
		return err
	}
	if changed != 1 {
		return errNotUpdated
	}
	a, err := one(tx.Query(ctx, s.users.read, id))
	if err == nil && a.Credential != hash {
		return errNotStored
	}
	return err
}

// apply is the change itself.
func (s *Store) apply(ctx context.Context, tx pgx.Tx, a account.Account, c account.Change) error {
	statement := s.users.set
	if c.First() {
		statement = s.users.setFirst
	}
	if err := s.set(ctx, tx, statement, c.Hash, a.ID); err != nil {
		return err
	}
	if err := note(ctx, tx, a, c); err != nil {
		return err
	}
	failpoint.Hit(failpoint.BeforeCommit)
	return nil
}

// note is what the ledger keeps of a change.
func note(ctx context.Context, tx pgx.Tx, a account.Account, c account.Change) error {
	if err := dropTokens(ctx, tx, a.ID, c); err != nil {
		return err
	}
	if err := remember(ctx, tx, a.ID, c, account.NewDebt(a, c)); err != nil {
		return err
	}
	return audit(ctx, tx, c.Applied(a.ID))
}

// dropTokens deletes the tokens of an account. A submission that changes no password leaves those of
// other scopes.
func dropTokens(ctx context.Context, tx pgx.Tx, id string, c account.Change) (err error) {
	if account.OfPassword(c.Wants()) {
		_, err = exec(ctx, tx, `DELETE FROM rekey.tokens WHERE account_id = $1`, id)
	} else {
		_, err = exec(ctx, tx, `DELETE FROM rekey.tokens WHERE account_id = $1 AND scope = $2`, id, c.Scope)
	}
	return err
}
