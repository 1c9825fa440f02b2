package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// sampled is how many accounts are looked at, and tried how many of them get a sample of
	// one kind: a trigger or a CHECK may refuse one account for a reason of its own.
	sampled = 100
	tried   = 3
	// lockWait is how long a trial waits for a row that is being changed.
	lockWait = "2s"
)

// TryHashes finds out whether the tables take the hashes that would be written, before
// somebody waits for a new password: a CHECK, a domain, a column that is too short, a
// trigger. For some accounts that may be reset, like is given the stored hash, and once an
// empty one. It returns a sample of what would be written in its place: the same one for all
// of a kind, and empty for none. Each trial is a change of up to three accounts, one in a
// transaction of its own that is undone. In it, the setting rekey.trial is "on" for triggers,
// since what they do outside of the database is not undone. The error is a [*SettingError]
// when all of a kind are refused, with the names of column and constraint, or an [*Error], or
// the end of ctx.
func (s *Store) TryHashes(ctx context.Context, like func(stored string) string) error {
	if err := s.users.hash.takes(like("")); err != nil {
		return err
	}
	rows, err := s.pool.Query(ctx, s.users.sample, sampled)
	if err != nil {
		return fault(err)
	}
	accounts, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return fault(err)
	}
	owners := map[string][]string{}
	for _, a := range accounts {
		if sample := like(a.Credential); sample != "" && len(owners[sample]) < tried {
			owners[sample] = append(owners[sample], a.ID)
		}
	}
	for sample, ids := range owners {
		if err := s.tryHash(ctx, sample, ids); err != nil {
			return err
		}
	}
	return nil
}

// takes refuses a hash that is longer than the column.
func (c column) takes(sample string) error {
	if n := utf8.RuneCountInString(sample); 0 < c.limit && c.limit < n {
		return &SettingError{"Password", fmt.Errorf("the column %s holds %d characters, and a hash that would be written has %d: widen it, or drop --upgrade-hash", c.name, c.limit, n)}
	}
	return nil
}

// tryHash returns the last refusal when every one of some accounts is refused.
func (s *Store) tryHash(ctx context.Context, sample string, ids []string) (refusal error) {
	for _, id := range ids {
		err := s.trial(ctx, sample, id)
		if errors.Is(err, errTried) {
			return nil
		}
		switch code := sqlState(err); {
		case code == lockNotAvailable || code == deadlockDetected || errors.Is(err, errNoRow):
			continue // another transaction holds this account
		case never(fault(err)) == nil:
			return fault(err)
		}
		refusal = &SettingError{"Password", fmt.Errorf("%s, so resets would end as change_refused: %w", s.refused(sample, err), fault(err))}
	}
	return refusal
}

// errNoRow means that an account went away, or is not seen by this user.
var errNoRow = errors.New("no such account any more")

// trial makes a change of an account and takes it back. The error is errTried when the
// tables take it.
func (s *Store) trial(ctx context.Context, sample, id string) error {
	return pgx.BeginTxFunc(ctx, s.pool, writing(), func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true), set_config('rekey.trial', 'on', true)`, lockWait)
		if err != nil {
			return err
		}
		if n, err := exec(ctx, tx, s.users.lock, id); err != nil || n == 0 {
			return cmp.Or(err, errNoRow)
		}
		if n, err := exec(ctx, tx, s.users.set, sample, id); err != nil || n != 1 {
			return cmp.Or(err, errNotUpdated)
		}
		return errTried
	})
}

// refused names what takes no such hash. Names of the catalogue are no secrets, and the sample
// is nobody's hash.
func (s *Store) refused(sample string, err error) string {
	what := fmt.Sprintf("the column %s does not take a hash such as would be written (%d characters)", s.users.hash.name, utf8.RuneCountInString(sample))
	said, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && said.ConstraintName != "" && said.DataTypeName != "":
		return what + fmt.Sprintf(" for the constraint %q of the type %s: let it take one", said.ConstraintName, said.DataTypeName)
	case ok && said.ConstraintName != "":
		return what + fmt.Sprintf(" for the constraint %q of the table %s: let it take one", said.ConstraintName, said.TableName)
	case ok && said.ColumnName != "":
		return what + fmt.Sprintf(" for the column %q", said.ColumnName)
	}
	return what
}
