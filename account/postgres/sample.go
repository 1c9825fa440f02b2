package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// sampled is how many accounts are looked at.
	sampled = 100
	// telling is how many refused accounts of a kind show that the tables are at fault. A
	// trigger or a CHECK may refuse one for a reason of its own. The trials wait for as many
	// locked rows.
	telling = 3
	// lockWait is how long a trial waits for a row that is being changed.
	lockWait = "2s"
)

// TryHashes finds out whether the tables take the hashes of later changes, before a user waits
// for a new password. A CHECK, a domain, a column that is too short or a trigger may refuse
// one.
//
// For some accounts that may be reset, like is given the stored hash, and once an empty one. It
// returns a sample of the new hash: the same one for all of a kind, and empty for none. Each
// trial is a change of one account in a transaction that is undone. Accounts of a kind are
// tried in random order until one is taken. In a trial the setting rekey.trial is "on" for
// triggers: effects outside of the database cannot be undone.
//
// The error is a [*SettingError] when three or more of a kind are refused for the hash and none
// is taken. It has the names of column and constraint. Other errors are an [*Error] and the end
// of ctx. Doubts name the refusals of a kind without such a verdict.
func (s *Store) TryHashes(ctx context.Context, like func(stored string) string) (doubts []string, err error) {
	if err := s.users.hash.takes(like("")); err != nil {
		return nil, err
	}
	rows, err := s.pool.Query(ctx, s.users.sample, sampled)
	if err != nil {
		return nil, fault(err)
	}
	accounts, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fault(err)
	}
	owners := map[string][]string{}
	for _, i := range rand.Perm(len(accounts)) {
		if sample := like(accounts[i].Credential); sample != "" {
			owners[sample] = append(owners[sample], accounts[i].ID)
		}
	}
	for sample, ids := range owners {
		doubt, err := s.tryHash(ctx, sample, ids)
		if err != nil {
			return nil, err
		}
		if doubt != "" {
			doubts = append(doubts, doubt)
		}
	}
	return doubts, nil
}

// takes refuses a hash that is longer than the column.
func (c column) takes(sample string) error {
	if n := utf8.RuneCountInString(sample); 0 < c.limit && c.limit < n {
		return &SettingError{"Password", fmt.Errorf("the column %s holds %d characters, and a hash that would be written has %d: widen it, or drop --upgrade-hash", c.name, c.limit, n)}
	}
	return nil
}

// tryHash tries accounts until one is taken. The doubt is the reason when all were refused, but
// too few or not for the hash.
func (s *Store) tryHash(ctx context.Context, sample string, ids []string) (doubt string, err error) {
	var refusals []error // for the hash
	for passed, i := 0, 0; i < len(ids) && passed < telling; i++ {
		err := s.trial(ctx, sample, ids[i])
		code := sqlState(err)
		switch {
		case errors.Is(err, errTried):
			return "", nil
		case code == lockNotAvailable || code == deadlockDetected || errors.Is(err, errNoRow):
			passed++ // another transaction holds this account, or deleted it
			continue
		case never(fault(err)) == nil:
			return "", fault(err)
		}
		forHash, lookErr := s.isForHash(ctx, err)
		if lookErr != nil {
			return "", fault(lookErr)
		}
		refusal := s.refused(sample, forHash, err)
		doubt = refusal.Error()
		if forHash {
			refusals = append(refusals, refusal)
		}
	}
	if len(refusals) >= telling {
		return "", &SettingError{"Password", refusals[0]}
	}
	return doubt, nil
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
		if err := s.write(ctx, tx, s.users.set, sample, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil { // those of the end of a change
			return err
		}
		return errTried
	})
}

// isForHash reports whether a refusal may be about the new hash: it names neither another column
// nor a constraint of other columns.
func (s *Store) isForHash(ctx context.Context, refusal error) (is bool, err error) {
	said, ok := errors.AsType[*pgconn.PgError](refusal)
	switch {
	case s.users.changer: // the refusal is of a table behind the view, with names of its own
		return true, nil
	case !ok || said.DataTypeName != "":
		return true, nil
	case said.ColumnName != "":
		return pgx.Identifier{said.ColumnName}.Sanitize() == s.users.hash.name, nil
	case said.ConstraintName == "":
		return true, nil
	}
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint k
		JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
		WHERE n.nspname = $1 AND c.relname = $2 AND k.conname = $3 AND '"' || replace(a.attname, '"', '""') || '"' = $4)`,
		said.SchemaName, said.TableName, said.ConstraintName, s.users.hash.name).Scan(&is)
	return is, err
}

// refused names the column or constraint that takes no such hash. Names of the catalogue are no
// secrets, and the sample is no account's hash.
func (s *Store) refused(sample string, forHash bool, err error) error {
	what := fmt.Sprintf("the column %s does not take a hash such as would be written (%d characters)", s.users.hash.name, utf8.RuneCountInString(sample))
	if !forHash {
		what = fmt.Sprintf("the column %s cannot be changed, for another reason than the hash", s.users.hash.name)
	}
	said, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && said.ConstraintName != "" && said.DataTypeName != "":
		what += fmt.Sprintf(": the constraint %q of the type %s", said.ConstraintName, said.DataTypeName)
	case ok && said.ConstraintName != "":
		what += fmt.Sprintf(": the constraint %q of the table %s", said.ConstraintName, said.TableName)
	case ok && said.ColumnName != "":
		what += fmt.Sprintf(": the column %q of the table %s", said.ColumnName, said.TableName)
	}
	return fmt.Errorf("%s, so resets would end as change_refused: %w", what, fault(err))
}
