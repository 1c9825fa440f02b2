package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// likeSessions finds tables of sessions and of refresh tokens.
const likeSessions = `SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('rekey', 'information_schema') AND n.nspname NOT LIKE 'pg\_%' AND NOT c.relispartition
		AND c.oid <> $1 AND replace(lower(c.relname), '_', '') ~ '(sessions?|refreshtokens?)$'
	ORDER BY 1`

// findSessions returns the statements that end the sessions of a user.
func (a *adoption) findSessions(ctx context.Context) (ends []string, err error) {
	switch a.sessions {
	case SessionsEndWithHash:
		a.note(false, "sessions end with the hash")
		return nil, nil
	case "":
		return a.searchSessions(ctx)
	}
	end, err := a.endOf(ctx, a.sessions)
	if err == nil && end == "" {
		err = &SettingError{"Sessions", fmt.Errorf("no column of %s has the ID of a user", a.sessions)}
	}
	return []string{end}, err
}

func (a *adoption) searchSessions(ctx context.Context) (ends []string, err error) {
	rows, err := a.tx.Query(ctx, likeSessions, a.users.oid)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, name := range names {
		end, err := a.endOf(ctx, name)
		if err != nil {
			return nil, err
		}
		if end != "" {
			ends = append(ends, end)
		}
	}
	if err == nil && len(ends) == 0 {
		err = ErrNoSessions
	}
	return ends, err
}

// findMore returns the statements of the recipe about further tables that are there.
func (a *adoption) findMore(ctx context.Context) (more []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(a.also)) {
		var is bool
		if err := a.tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&is); err != nil {
			return nil, err
		}
		if is {
			more = append(more, a.also[name])
		}
	}
	return more, nil
}

// inJSON are places of the user's ID in a session of express-session and others.
var inJSON = []string{"{passport,user}", "{user,id}", "{userId}", "{user_id}"} //nolint:gochecknoglobals // a constant table

// endOf deletes the sessions of OLD.id from a table; empty when no column leads to a user.
func (a *adoption) endOf(ctx context.Context, name string) (string, error) {
	t, err := describe(ctx, a.tx, "Sessions", name)
	if err != nil {
		return "", err
	}
	if err := endable(ctx, a.tx, t); err != nil {
		return "", err
	}
	owner, found, err := a.references(ctx, t)
	if err != nil || found {
		a.noteSessions(found, t)
		return fmt.Sprintf(`DELETE FROM %s WHERE %s = OLD.id::text::%s`, t.name, owner.name, owner.declared), err
	}
	for _, c := range t.named("sess session data payload", func(c column) bool { return c.base == "json" || c.base == "jsonb" }) {
		for _, path := range inJSON {
			var some bool
			err := a.tx.QueryRow(ctx, fmt.Sprintf(`SELECT EXISTS (SELECT FROM %s WHERE %s #>> '%s' <> '')`, t.name, c.name, path)).Scan(&some)
			if err != nil || some {
				a.noteSessions(some, t)
				return fmt.Sprintf(`DELETE FROM %s WHERE %s #>> '%s' = OLD.id::text`, t.name, c.name, path), err
			}
		}
	}
	return "", nil
}

func (a *adoption) noteSessions(found bool, t table) {
	if found {
		a.note(false, "a change deletes the sessions of its user from %s", t.name)
	}
}

// references is the column of a table that has the ID of a user: by a foreign key, or by its name.
func (a *adoption) references(ctx context.Context, t table) (owner column, found bool, err error) {
	rows, err := a.tx.Query(ctx, `SELECT a.attname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
		WHERE k.contype = 'f' AND k.conrelid = $1 AND k.confrelid = $2 AND cardinality(k.conkey) = 1 ORDER BY 1`, t.oid, a.users.oid)
	if err != nil {
		return owner, false, err
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(keys) > 0 {
		return t.columns[strings.Join(keys[:min(1, len(keys))], "")], err == nil, err
	}
	if named := t.named(ownerNames, column.isAny); len(named) > 0 {
		return named[0], true, nil
	}
	return owner, false, nil
}
