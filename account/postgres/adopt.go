package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// SessionsEndWithHash says in [AdoptConfig] that each session holds a part of the hash, so that a
// change ends it.
const SessionsEndWithHash = "hash"

// AdoptConfig says where the users of an application are.
type AdoptConfig struct {
	Config        // Users is not used
	Recipe string // one of Recipes, or empty
	Table  string // of the users: name or schema.name; empty for that of the recipe, or the one that is found
	// Sessions is the table of sessions, SessionsEndWithHash, or empty for that of the recipe or
	// those that are found.
	Sessions string
	Role     string // of the worker
	// Judge names the format of a stored hash, and says what rekey does with it.
	Judge func(stored string) Note
}

// Adopt looks at the users of an application and writes the SQL with which a worker reaches them.
// It changes nothing. The SQL makes the view rekey.users and a trigger that sets the hash and what
// changes with it, and ends the sessions. The role gets rights on the view alone, and on rekey's
// own tables. Each finding is reported as soon as it is known.
//
// Errors: those of [Open] about the connection, [ErrPooled], [ErrNoSessions], [ErrNotOneTable], a
// [*SettingError] of a field of AdoptConfig, an [*Error], or the end of ctx.
func Adopt(ctx context.Context, cfg AdoptConfig, report func(Note)) (sql string, err error) {
	r, known := recipes[cfg.Recipe]
	switch {
	case !known && cfg.Recipe != "":
		return "", &SettingError{"Recipe", fmt.Errorf("want one of %s", strings.Join(Recipes(), ", "))}
	case cfg.Role == "":
		return "", &SettingError{"Role", errors.New("is missing")}
	}
	pool, between, err := connect(ctx, cfg.Config)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	if between {
		return "", ErrPooled
	}
	a := adoption{recipe: r, role: cfg.Role, judge: cfg.Judge, report: report}
	a.table, a.sessions = cmp.Or(cfg.Table, r.table), cmp.Or(cfg.Sessions, r.sessions)
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		a.tx = tx
		sql, err = a.write(ctx)
		return err
	})
	return sql, safely(err)
}

// adoption is one look at a database.
type adoption struct {
	recipe

	role   string
	judge  func(string) Note
	report func(Note)
	tx     pgx.Tx

	users, hashed       table // hashed has the hashes, and may be users
	id, address, stored column
}

func (a *adoption) note(mend bool, format string, args ...any) {
	a.report(Note{Text: fmt.Sprintf(format, args...), Mend: mend})
}

// write takes the steps, and returns the SQL.
func (a *adoption) write(ctx context.Context) (string, error) {
	for _, step := range []func(context.Context) error{a.checkSchema, a.findUsers, a.findColumns, a.countHashes, a.countAddresses, a.timeLookup} {
		if err := step(ctx); err != nil {
			return "", err
		}
	}
	ends, err := a.findSessions(ctx)
	if err != nil {
		return "", err
	}
	more, err := a.findMore(ctx)
	if err != nil {
		return "", err
	}
	return a.sql(ctx, append(ends, more...))
}

// ErrNotOneTable means that no table, or more than one, looks like that of the users.
var ErrNotOneTable = errors.New("name the table of the users")

// Names of columns, without case and underscores, the likeliest first.
const (
	addressNames = "email emailaddress useremail mail"
	hashNames    = "password passwordhash encryptedpassword passworddigest hashedpassword passwd pwhash pwdhash userpass pass"
	ownerNames   = "userid accountid user account"
)

// likeUsers finds tables that have a column of each kind.
const likeUsers = `SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('rekey', 'information_schema') AND n.nspname NOT LIKE 'pg\_%' AND NOT c.relispartition
		AND 2 = (SELECT count(DISTINCT kind) FROM pg_catalog.pg_attribute a JOIN (
			SELECT 'address' AS kind, unnest($1::text[]) AS name UNION ALL SELECT 'hash', unnest($2::text[])
		) k ON k.name = replace(lower(a.attname), '_', '') WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
	ORDER BY 1`

// findUsers finds the table of the users, and that of their hashes.
func (a *adoption) findUsers(ctx context.Context) error {
	if a.table == "" {
		rows, err := a.tx.Query(ctx, likeUsers, strings.Fields(addressNames), strings.Fields(hashNames))
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return fmt.Errorf("no table has a column for the address and one for the hash: %w", ErrNotOneTable)
		case len(found) > 1:
			return fmt.Errorf("%s look like it: %w", strings.Join(found, ", "), ErrNotOneTable)
		}
		a.table = found[0]
	}
	var err error
	if a.users, err = describe(ctx, a.tx, "Table", a.table); err != nil {
		return err
	}
	a.hashed = a.users
	if a.hashes != "" {
		schema, _, _ := strings.Cut(a.users.name, ".")
		a.hashed, err = describe(ctx, a.tx, "Table", strings.Trim(schema, `"`)+"."+a.hashes)
	}
	a.note(false, "the users are in %s", a.users.name)
	return err
}

// checkSchema reports that rekey's own tables are missing: the file needs them.
func (a *adoption) checkSchema(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, a.tx, func(tx pgx.Tx) error { return checkVersion(ctx, tx) }) // a savepoint
	if errors.Is(err, ErrSchemaOld) {
		a.note(true, "%s, before you run the file", ErrSchemaOld)
		return nil
	}
	return err
}

// findColumns finds the columns of an account.
func (a *adoption) findColumns(ctx context.Context) error {
	key, err := a.primaryKey(ctx)
	if err != nil {
		return err
	}
	a.id = a.users.columns[key]
	for _, want := range []struct {
		to    *column
		in    table
		names string
		what  string
	}{{&a.address, a.users, addressNames, "an address"}, {&a.stored, a.hashed, hashNames, "a hash"}} {
		found := want.in.named(want.names, column.isText)
		if len(found) == 0 {
			return &SettingError{"Table", fmt.Errorf("%s has no column of text for %s, with one of the names %s", want.in.name, want.what, want.names)}
		}
		*want.to = found[0]
	}
	folds, err := a.address.foldsASCII(ctx, a.tx)
	if err != nil {
		return err
	}
	a.address.ownFolding = !folds
	for _, n := range a.address.notes() {
		a.report(n)
	}
	for _, c := range a.hashed.named("salt passwordsalt passwdsalt pwsalt", column.isAny) {
		a.note(true, "the column %s may be a part of the hash: rekey writes hashes that hold their salt. If the sign-in needs it, do not adopt this table", c.name)
	}
	return checkHashLength(a.stored)
}

// primaryKey is the one column of it.
func (a *adoption) primaryKey(ctx context.Context) (string, error) {
	rows, err := a.tx.Query(ctx, `SELECT a.attname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
		WHERE i.indrelid = $1 AND i.indisprimary`, a.users.oid)
	if err != nil {
		return "", err
	}
	key, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(key) != 1 {
		err = &SettingError{"Table", fmt.Errorf("%s has a primary key of %d columns, want one: make the view rekey.users by hand", a.users.name, len(key))}
	}
	if err != nil {
		return "", err
	}
	return key[0], nil
}

// named are the columns that have one of the names, in their order.
func (t table) named(names string, fits func(column) bool) (found []column) {
	order := strings.Fields(names)
	for _, c := range t.columns {
		if fits(c) && slices.Contains(order, c.plain()) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b column) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.plain()), slices.Index(order, b.plain())), cmp.Compare(a.name, b.name))
	})
	return found
}

// unquoted is the name as the catalogue has it.
func (c column) unquoted() string { return strings.ReplaceAll(strings.Trim(c.name, `"`), `""`, `"`) }

// plain is a name without case and underscores.
func (c column) plain() string {
	return strings.ToLower(strings.ReplaceAll(c.unquoted(), "_", ""))
}

const (
	counted   = 10_000           // rows whose hashes are looked at
	countWait = 30 * time.Second // for one statement
)

// patiently runs a statement that may take long, without which the others still make sense.
func (a *adoption) patiently(ctx context.Context, what string, run func(context.Context, pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, a.tx, func(tx pgx.Tx) error { // a savepoint
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`, countWait.String()); err != nil {
			return err
		}
		return run(ctx, tx)
	})
	if sqlState(err) == canceled {
		a.note(true, "%s took more than %s, and was given up", what, countWait)
		return nil
	}
	return err
}

// countHashes reports the formats of the hashes.
func (a *adoption) countHashes(ctx context.Context) error {
	return a.patiently(ctx, "reading the hashes", func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT coalesce(%s::text, '') FROM %s LIMIT %d`, a.stored.name, a.hashed.name, counted))
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		formats := map[Note]int{}
		for _, hash := range found {
			formats[a.judge(hash)]++
		}
		for n, count := range formats {
			a.note(n.Mend, "%d of %d hashes: %s", count, len(found), n.Text)
		}
		return err
	})
}

// countAddresses reports addresses of several users.
func (a *adoption) countAddresses(ctx context.Context) error {
	return a.patiently(ctx, "the search for addresses of several users", func(ctx context.Context, tx pgx.Tx) error {
		var several int
		err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT FROM %[2]s WHERE %[1]s <> '' GROUP BY %[3]s HAVING count(*) > 1) AS several`,
			a.address.name, a.users.name, a.address.folded())).Scan(&several)
		if err == nil && several > 0 {
			a.note(true, "%d addresses belong to several users each, and get no mail: a link resets one account", several)
		}
		return err
	})
}

// timeLookup reports how long a look-up by address takes, and the index that it lacks.
func (a *adoption) timeLookup(ctx context.Context) error {
	find := fmt.Sprintf(`SELECT FROM %s WHERE %s`, a.users.name, a.address.among())
	return a.patiently(ctx, "a look-up by address", func(ctx context.Context, tx pgx.Tx) error {
		began := time.Now()
		if _, err := tx.Exec(ctx, find, []string{probe}); err != nil {
			return err
		}
		took := time.Since(began)
		plan, err := planOf(ctx, tx, find)
		if err == nil && !byAddress(plan) {
			a.note(true, "no index serves the look-up by address, which took %s, and every request from the internet makes one: %s",
				took.Round(time.Millisecond/10), a.users.indexOn(a.address.folded()))
		}
		return err
	})
}
