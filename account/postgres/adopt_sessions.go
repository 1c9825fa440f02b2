package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// likeSessions finds tables of sessions and of refresh tokens, by exact names: there are also
// training_sessions. $1 is the name of a user in that of the table, $2 are tables that are known.
const likeSessions = `SELECT n.nspname || '.' || c.relname` + application + `AND c.oid <> ALL ($2::oid[])
		AND (SELECT CASE WHEN starts_with(name, $1) THEN substr(name, length($1) + 1) ELSE name END FROM (SELECT replace(lower(c.relname::text), '_', '') AS name) AS plain)
			~ '^(user|auth|oauth|login|web|http|spring)?(sessions?|refreshtokens?)$'
	ORDER BY 1`

// mayHoldSessions finds further tables with the name of a means to sign in, $1 are those that are
// known. Rows that end with a known one are left out.
const mayHoldSessions = `SELECT n.nspname || '.' || c.relname` + application + `AND c.oid <> ALL ($1::oid[])
		AND (replace(lower(c.relname::text), '_', '') ~ 'session|token|remember|persistent(login)?s?$|jwt|refresh'
			OR replace(lower(c.relname::text), '_', '') ~ 'cookie|magic|browser|auth|ticket|key|login|device|grant'
				AND EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = c.oid AND k.confrelid = $2))
		AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = c.oid AND k.confdeltype = 'c' AND k.confrelid = ANY ($3::oid[]))
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
	if err := cmp.Or(a.findMore(ctx), a.searchSessions(ctx, len(a.sessions) == 0)); err != nil {
		return err
	}
	switch {
	case len(a.ends) > 0 || byHash:
	case a.stamp == "":
		return ErrNoSessions
	default:
		a.note(true, "no table of sessions was found: they have to end with the column %s, which a change sets", a.stamp)
	}
	return nil
}

// searchSessions looks for tables of sessions. Without names it takes those that it understands.
func (a *adoption) searchSessions(ctx context.Context, take bool) error {
	_, name, _ := strings.Cut(a.users.name, ".")
	name = strings.TrimSuffix(column{name: name}.plain(), "s")
	alike, err := a.names(ctx, likeSessions, name, append(slices.Clone(a.ended), a.users.oid))
	if err != nil {
		return err
	}
	known := append(slices.Clone(a.ended), a.users.oid, a.hashed.oid)
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
			known = append(known, t.oid)
		}
	}
	others, err := a.names(ctx, mayHoldSessions, append(known, a.ended...), a.users.oid, a.ended)
	if len(others) > 0 {
		a.note(true, "the rows in %q stay: if some sign a user in, and %s owns their table, add a DELETE to the function", others, a.users.owner)
	}
	return err
}

// end adds the statements that end the sessions in a table, or says why there are none.
func (a *adoption) end(ctx context.Context, t table) (why string, err error) {
	switch {
	case t.owner != a.users.owner:
		return a.notOwn(), nil
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
	var ends []string
	if owner.name != "" {
		ends = append(ends, fmt.Sprintf(`DELETE FROM %s AS s WHERE %s`, t.name, a.isOld(owner.of("s"))))
	}
	documents, err := a.endInJSON(ctx, t)
	if err != nil {
		return "", err
	}
	if ends = append(ends, documents...); len(ends) == 0 {
		return "no column leads to a user", nil
	}
	a.ends, a.ended = append(a.ends, ends...), append(a.ended, t.oid)
	a.note(false, "a change deletes the sessions of its user from %s", t.name)
	if t.triggered {
		a.note(true, "a trigger BEFORE DELETE of %s may keep sessions: look at it", t.name)
	}
	return "", nil
}

// isOld compares a column with the ID of the changed row.
func (a *adoption) isOld(c column) string {
	plain := c.declared == c.plainly && !c.isText() && c.category != "E"
	if plain && c.declared == a.id.declared {
		return c.name + ` = OLD.id`
	}
	return c.is("OLD.id")
}

// ownerOf finds the column of a table that has the ID of a user: by its name, or by a foreign key. Its
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
	named := t.named(ownerNames, func(c column) bool {
		return slices.Contains(keys, c.unquoted()) || !slices.Contains(elsewhere, c.unquoted())
	})
	switch {
	case len(named) > 0:
		owner = named[0]
	case len(keys) == 1:
		owner = t.columns[keys[0]]
	case len(keys) > 1:
		return owner, fmt.Sprintf("several columns refer to users: %q", keys), nil
	default:
		return owner, "", nil
	}
	why, err = a.doubt(ctx, t, owner, slices.Contains(keys, owner.unquoted()))
	return owner, why, err
}

// doubt says why a column may not have the ID of a user, or why a change would be slow.
func (a *adoption) doubt(ctx context.Context, t table, owner column, byKey bool) (why string, err error) {
	kind := t.named(strings.TrimSuffix(owner.plain(), "id")+"type", column.isAny)
	var other bool // a table of accounts beside that of the users
	err = a.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname::text = $1 AND c.oid <> $2 AND lower(c.relname::text) IN ('account', 'accounts'))`,
		a.users.schema, a.users.oid).Scan(&other)
	if err != nil {
		return "", err
	}
	switch {
	case len(kind) > 0:
		return fmt.Sprintf("the column %s says whose ID %s is", kind[0].name, owner.name), nil
	case !byKey && t.schema != a.users.schema && len(a.sessions) == 0:
		return "it is in another schema, and no foreign key leads to the users", nil
	case !byKey && strings.HasPrefix(owner.plain(), "account") && other:
		return owner.name + " may be about another table than that of the users", nil
	case !owner.sameKind(a.id):
		return owner.name + " has another type than the ID of a user", nil
	}
	return a.strangers(ctx, t, owner)
}

// sameKind reports that values of two columns can be the same.
func (c column) sameKind(other column) bool {
	return c.isText() || c.base == other.base || c.category == "N" && other.category == "N"
}

// strangers says that a column has values, and none is the ID of a user. It reports values that are
// none, and a missing index.
func (a *adoption) strangers(ctx context.Context, t table, owner column) (why string, err error) {
	err = a.patiently(ctx, "reading sessions of "+t.name, func(tx pgx.Tx) error {
		var all, known int
		var indexed bool
		err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*), count(u.id), EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
				WHERE i.indrelid = $1 AND i.indisvalid AND i.indpred IS NULL AND a.attname::text = $2)
			FROM (SELECT %s::text AS id FROM %s WHERE %s IS NOT NULL LIMIT 1000) AS s
			LEFT JOIN (SELECT %s::text AS id FROM %s) AS u ON u.id = s.id`, owner.name, t.name, owner.name, a.id.name, a.users.name), t.oid, owner.unquoted()).Scan(&all, &known, &indexed)
		switch {
		case err != nil:
		case all > 0 && known == 0:
			why = fmt.Sprintf("none of the values of %s is the ID of a user", owner.name)
		case known < all:
			a.note(true, "%d of %d values of %s in %s are no IDs of users: their sessions stay", all-known, all, owner.name, t.name)
		case !indexed:
			a.note(true, "no index begins with %s in %s, so a change reads all sessions", owner.name, t.name)
		}
		return err
	})
	return why, err
}

// inJSON are places of the user's ID in a session of express-session and others.
var inJSON = []string{"{passport,user}", "{passport,user,id}", "{user,id}", "{userId}", "{userID}", "{user_id}"} //nolint:gochecknoglobals // a constant table

// endInJSON deletes sessions whose document has the ID of the user, where there are such documents.
func (a *adoption) endInJSON(ctx context.Context, t table) (ends []string, err error) {
	for _, c := range t.named("sess session data payload", func(c column) bool { return c.base == "json" || c.base == "jsonb" }) {
		var places []string
		for _, path := range inJSON {
			places = append(places, fmt.Sprintf(`%s #>> '%s'::text[]`, c.of("s").typed(), path))
		}
		either := strings.Join(places, ", ")
		err = a.patiently(ctx, "reading sessions of "+t.name, func(tx pgx.Tx) error {
			var all, known int
			err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM %s AS u WHERE u.%s::text IN (%s))) FROM (SELECT * FROM %s LIMIT 1000) AS s`,
				a.users.name, a.id.name, either, t.name)).Scan(&all, &known)
			if known > 0 {
				ends = append(ends, fmt.Sprintf(`DELETE FROM %s AS s WHERE OLD.id::text IN (%s)`, t.name, either))
				a.note(known < all, "%d of %d documents in %s name a user by ID", known, all, t.name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return ends, nil
}

// findMore adds the statements of the recipe about further tables that are there.
func (a *adoption) findMore(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(a.also)) {
		more := a.also[name]
		var is bool
		err := a.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname::text = $1 AND c.relname::text = $2)`, a.users.schema, name).Scan(&is)
		if err != nil {
			return err
		}
		if !is {
			continue
		}
		t, err := a.locate(ctx, "Table", a.users.schema+"."+name)
		why := a.notOwn()
		_, has := t.columns[more.column]
		switch wrong, ok := errors.AsType[*SettingError](err); {
		case ok:
			why = wrong.Reason.Error()
		case err != nil:
			return err
		case !has:
			why = "it has no column " + more.column
		case t.owner == a.users.owner && !t.rewritten:
			a.ends, a.ended = append(a.ends, fmt.Sprintf(more.statement, t.name)), append(a.ended, t.oid)
			continue
		}
		a.note(true, "the rows in %q stay: %s", name, why)
	}
	return nil
}
