package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// likeSessions finds tables of sessions and of refresh tokens, by exact names: there are also
// training_sessions. $1 is the name of the users' table, $2 are tables that are known.
const likeSessions = `SELECT n.nspname || '.' || c.relname` + application + `AND c.oid <> ALL ($2::oid[])
		AND regexp_replace(replace(lower(c.relname::text), '_', ''), '^' || rtrim(replace(lower($1::text), '_', ''), 's'), '')
			~ '^(user|auth|oauth|login|web|http|spring)?(sessions?|refreshtokens?)$'
	ORDER BY 1`

// mayHoldSessions finds further tables that have rows of a user and the name of a means to sign in.
const mayHoldSessions = `SELECT n.nspname || '.' || c.relname` + application + `AND c.oid <> ALL ($2::oid[]) AND c.oid <> $1
		AND replace(lower(c.relname::text), '_', '') ~ 'session|token|remember|login|device|grant|jwt|apikey'
		AND (EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = c.oid AND k.confrelid = $1)
			OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
				AND replace(lower(a.attname::text), '_', '') IN ('userid', 'ownerid', 'tokenableid', 'resourceownerid', 'uid', 'user', 'principalname')))
	ORDER BY 1`

// findSessions finds the statements that end the sessions of a user, and reports what they leave.
func (a *adoption) findSessions(ctx context.Context) error {
	byHash := slices.Contains(a.sessions, SessionsEndWithHash)
	for _, name := range a.sessions {
		if name == SessionsEndWithHash {
			a.note(false, "sessions end with the hash")
			continue
		}
		t, err := a.locate(ctx, "Sessions", name)
		if err != nil {
			return err
		}
		if why, err := a.end(ctx, t); err != nil {
			return err
		} else if why != "" {
			return &SettingError{"Sessions", fmt.Errorf("%s: %s", t.name, why)}
		}
	}
	if err := a.searchSessions(ctx, len(a.sessions) == 0); err != nil {
		return err
	}
	switch {
	case len(a.ends) > 0 || byHash:
	case a.stamp == "":
		return ErrNoSessions
	default:
		a.note(true, "no table of sessions was found: they have to end with the column %s, which a change sets", a.stamp)
	}
	return a.findMore(ctx)
}

// searchSessions looks for tables of sessions. Without names it takes those that it understands.
func (a *adoption) searchSessions(ctx context.Context, take bool) error {
	_, name, _ := strings.Cut(a.users.name, ".")
	alike, err := a.names(ctx, likeSessions, strings.Trim(name, `"`), append(slices.Clone(a.ended), a.users.oid))
	if err != nil {
		return err
	}
	for _, name := range alike {
		why := "it is none of the tables that were named"
		t, err := a.locate(ctx, "Sessions", name)
		if wrong, ok := errors.AsType[*SettingError](err); ok {
			why = wrong.Reason.Error()
		} else if err != nil {
			return err
		} else if take {
			if why, err = a.end(ctx, t); err != nil {
				return err
			}
		}
		if why != "" {
			a.note(true, "the sessions in %q stay: %s", name, why)
			a.ended = append(a.ended, t.oid) // and reported
		}
	}
	others, err := a.names(ctx, mayHoldSessions, a.users.oid, append(slices.Clone(a.ended), a.hashed.oid))
	for _, name := range others {
		a.note(true, "the rows in %q stay: if they sign a user in, add a DELETE to the function", name)
	}
	return err
}

// end adds the statement that ends the sessions in a table, or says why there is none.
func (a *adoption) end(ctx context.Context, t table) (why string, err error) {
	switch {
	case t.owner != a.users.owner:
		return fmt.Sprintf("it belongs to the role %s, and the users to %s", t.owner, a.users.owner), nil
	case t.rewritten:
		return "it is a view, or has a rule for DELETE", nil
	}
	err = endable(ctx, a.tx, t)
	if wrong, ok := errors.AsType[*SettingError](err); ok {
		return wrong.Reason.Error(), nil
	}
	if err != nil {
		return "", err
	}
	owner, why, err := a.ownerOf(ctx, t)
	if err != nil || why != "" {
		return why, err
	}
	var end string
	if owner.name != "" {
		end = fmt.Sprintf(`DELETE FROM %s AS s WHERE %s`, t.name, owner.of("s").isOld())
	} else if end, err = a.endInJSON(ctx, t); end == "" || err != nil {
		return "no column leads to a user", err
	}
	a.ends, a.ended = append(a.ends, end), append(a.ended, t.oid)
	a.note(false, "a change deletes the sessions of its user from %s", t.name)
	return "", nil
}

// isOld compares a column with the ID of the changed row. Both sides have exactly one type, so that
// no operator of another schema fits.
func (c column) isOld() string {
	if c.isText() {
		return c.name + `::text = OLD.id::text`
	}
	return c.name + ` = OLD.id::text::` + c.declared
}

// ownerOf finds the column of a table that has the ID of a user: by a foreign key, or by its name. Its
// values must be IDs of users.
func (a *adoption) ownerOf(ctx context.Context, t table) (owner column, why string, err error) {
	keys, err := a.names(ctx, `SELECT a.attname::text FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
			JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = k.confkey[1]
		WHERE k.contype = 'f' AND k.conrelid = $1 AND k.confrelid = $2 AND f.attname::text = $3 AND cardinality(k.conkey) = 1`, t.oid, a.users.oid, a.id.unquoted())
	if err != nil {
		return owner, "", err
	}
	elsewhere, err := a.names(ctx, `SELECT a.attname::text FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
		WHERE k.contype = 'f' AND k.conrelid = $1`, t.oid)
	if err != nil {
		return owner, "", err
	}
	named := t.named(ownerNames, func(c column) bool { // first those of a foreign key to the users
		return len(keys) == 0 && !slices.Contains(elsewhere, c.unquoted()) || slices.Contains(keys, c.unquoted())
	})
	switch {
	case len(keys) == 1:
		owner = t.columns[keys[0]]
	case len(named) > 0:
		owner = named[0]
	case len(keys) > 1:
		return owner, fmt.Sprintf("several columns refer to users: %q", keys), nil
	default:
		return owner, "", nil
	}
	if kind := t.named(strings.TrimSuffix(owner.plain(), "id")+"type", column.isAny); len(kind) > 0 {
		return owner, fmt.Sprintf("the column %s says whose ID %s is", kind[0].name, owner.name), nil
	}
	return owner, a.strangers(ctx, t, owner), nil
}

// strangers says that a column has values, and none is the ID of a user.
func (a *adoption) strangers(ctx context.Context, t table, owner column) (why string) {
	err := a.patiently(ctx, "reading sessions", func(tx pgx.Tx) error {
		var all, known int
		err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*), count(u.id) FROM (SELECT %s::text AS id FROM %s WHERE %s IS NOT NULL LIMIT 1000) AS s
			LEFT JOIN (SELECT %s::text AS id FROM %s) AS u ON u.id = s.id`, owner.name, t.name, owner.name, a.id.name, a.users.name)).Scan(&all, &known)
		if err == nil && all > 0 && known == 0 {
			why = fmt.Sprintf("none of the values of %s is the ID of a user", owner.name)
		}
		return err
	})
	if err != nil {
		return fault(err).Error()
	}
	return why
}

// inJSON are places of the user's ID in a session of express-session and others.
var inJSON = []string{"{passport,user}", "{passport,user,id}", "{user,id}", "{userId}", "{userID}", "{user_id}"} //nolint:gochecknoglobals // a constant table

// endInJSON deletes sessions whose document has the ID of the user, where there are such documents.
func (a *adoption) endInJSON(ctx context.Context, t table) (end string, err error) {
	for _, c := range t.named("sess session data payload", func(c column) bool { return c.base == "json" || c.base == "jsonb" }) {
		var places []string
		for _, path := range inJSON {
			places = append(places, fmt.Sprintf(`%s #>> '%s'::text[]`, c.of("s").name, path))
		}
		err = a.patiently(ctx, "reading sessions", func(tx pgx.Tx) error {
			var some bool
			err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT EXISTS (SELECT FROM %s AS s WHERE coalesce(%s) <> '')`, t.name, strings.Join(places, ", "))).Scan(&some)
			if some {
				end = fmt.Sprintf(`DELETE FROM %s AS s WHERE OLD.id::text IN (%s)`, t.name, strings.Join(places, ", "))
			}
			return err
		})
	}
	return end, err
}

// findMore adds the statements of the recipe about further tables that are there.
func (a *adoption) findMore(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(a.also)) {
		t, err := a.locate(ctx, "Table", a.users.schema+"."+name)
		if _, ok := errors.AsType[*SettingError](err); ok {
			continue
		}
		if err != nil {
			return err
		}
		a.ends = append(a.ends, fmt.Sprintf(a.also[name], t.name))
	}
	return nil
}
