package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

var _ account.Archive = (*Store)(nil)

// Forget implements [account.Archive]. Sessions of rekey's own table went with the account's row.
// The user of the database needs DELETE ON rekey.audit and SELECT of
// its column account_id.
func (s *Store) Forget(ctx context.Context, accountID string, by account.Entry) (f account.Forgotten, err error) {
	if accountID == "" {
		return f, errID
	}
	switch _, err := s.Account(ctx, accountID); {
	case err == nil:
		return f, account.ErrAccountThere
	case !errors.Is(err, account.ErrNotFound):
		return f, err
	}
	err = s.update(ctx, func(tx pgx.Tx) (err error) {
		if err := lock(ctx, tx, accountID); err != nil {
			return err
		}
		if f, err = forget(ctx, tx, accountID); err != nil {
			return err
		}
		return audit(ctx, tx, account.Entry{At: by.At, Event: account.EventForgotten, Operator: by.Operator})
	})
	if err != nil {
		return account.Forgotten{}, err
	}
	return f, nil
}

func forget(ctx context.Context, tx pgx.Tx, owner string) (f account.Forgotten, err error) {
	if _, err := exec(ctx, tx, `DELETE FROM rekey.begun WHERE account_id = $1`, owner); err != nil {
		return f, err
	}
	for _, kept := range []struct {
		statement string
		count     *int
	}{
		{`DELETE FROM rekey.tokens WHERE account_id = $1`, &f.Tokens},
		{`DELETE FROM rekey.mails WHERE account_id = $1`, &f.Mails},
		{`DELETE FROM rekey.submissions WHERE account_id = $1`, &f.Submissions},
		{`DELETE FROM rekey.audit WHERE account_id = $1`, &f.Entries},
	} {
		if *kept.count, err = exec(ctx, tx, kept.statement, owner); err != nil {
			if sqlState(err) == noPermission {
				err = missingGrant("DELETE, SELECT (account_id) ON rekey.audit")
			}
			return f, err
		}
	}
	return f, nil
}
