package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

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
	// Sessions are tables of sessions, or SessionsEndWithHash; empty for those of the recipe, or
	// those that are found.
	Sessions []string
	Role     string // of the worker
	// Judge names the format of a stored hash, and says what rekey does with it.
	Judge func(stored string) Note
}

// Adopt looks at the users of an application and writes the SQL with which a worker reaches them.
// It changes nothing. The SQL makes the view rekey.users and a trigger that sets the hash and what
// changes with it, and ends the sessions. The role gets rights on the view alone, and on rekey's
// own tables. Each finding is reported as soon as it is known.
//
// Other people may own schemas of the database. Their tables and operators are kept out of the
// statements of Adopt and of the SQL, since an owner or a superuser runs both.
//
// Errors: those of [Open] about the connection, [ErrNoSessions], [ErrNotOneTable], a
// [*SettingError] of a field of AdoptConfig, an [*Error], or the end of ctx.
func Adopt(ctx context.Context, cfg AdoptConfig, report func(Note)) (sql string, err error) {
	r, known := recipes[cfg.Recipe]
	switch {
	case !known && cfg.Recipe != "":
		return "", &SettingError{"Recipe", fmt.Errorf("want one of %s", strings.Join(Recipes(), ", "))}
	case cfg.Role == "" || !harmless(cfg.Role):
		return "", &SettingError{"Role", errors.New("want a name")}
	}
	pool, between, err := connect(ctx, cfg.Config)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	if between {
		report(Note{Text: "a pooler such as PgBouncer is in between: give psql and rekey migrate the address of the server itself"})
	}
	if len(cfg.Sessions) > 0 {
		r.sessions = cfg.Sessions
	}
	a := adoption{recipe: r, cfg: cfg, report: report}
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

	cfg    AdoptConfig
	report func(Note)
	tx     pgx.Tx
	path   []string // schemas where names are looked for

	users, hashed       table // hashed has the hashes, and may be users
	id, address, stored column
	ends                []string        // statements that end the sessions of OLD.id
	ended               []uint32        // their tables
	used                map[string]bool // columns that the SQL names, with their tables
	stamp               string          // a column with which sessions may end
}

func (a *adoption) note(mend bool, format string, args ...any) {
	a.report(Note{Text: fmt.Sprintf(format, args...), Mend: mend})
}

// write takes the steps, and returns the SQL.
func (a *adoption) write(ctx context.Context) (string, error) {
	a.used = map[string]bool{}
	for _, step := range []func(context.Context) error{a.begin, a.checkSchema, a.findUsers, a.findColumns, a.countHashes} {
		if err := step(ctx); err != nil {
			return "", err
		}
	}
	p := parts{disabled: a.disabled(), resettable: a.resettable(), set: a.changes(a.hashed)}
	if a.hashes != "" {
		p.setUsers = a.changes(a.users)
	}
	p.locale = a.locale()
	p.verified, p.mark = a.verified()
	if err := a.countAddresses(ctx, p.disabled); err != nil {
		return "", err
	}
	for _, step := range []func(context.Context) error{a.timeLookup, a.findSessions} {
		if err := step(ctx); err != nil {
			return "", err
		}
	}
	a.lookAtRest(a.users)
	if a.hashes != "" {
		a.lookAtRest(a.hashed)
	}
	return a.sql(ctx, p)
}

// begin keeps operators and types of other schemas out: only pg_catalog is searched, and every type
// is named with its schema.
func (a *adoption) begin(ctx context.Context) error {
	if err := a.tx.QueryRow(ctx, `SELECT array_remove(current_schemas(false), 'rekey')`).Scan(&a.path); err != nil {
		return err
	}
	_, err := a.tx.Exec(ctx, `SELECT set_config('search_path', 'pg_catalog', true), set_config('statement_timeout', $1, true)`, countWait.String())
	return err
}

// checkSchema reports that rekey's own tables are missing: the file needs them.
func (a *adoption) checkSchema(ctx context.Context) error {
	err := pgx.BeginFunc(ctx, a.tx, func(tx pgx.Tx) error { return checkVersion(ctx, tx) }) // a savepoint
	switch {
	case errors.Is(err, ErrSchemaOld):
		a.note(true, "%s, before you run the file", ErrSchemaOld)
	case isPermission(err):
		a.note(true, "this user may not use the schema rekey: a superuser has to run the file")
	default:
		return err
	}
	return nil
}

func isPermission(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == noPermission
}

// harmless reports that a name does no harm between quotes, between the ends of a function, in a comment
// or on a terminal.
func harmless(name string) bool {
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	return !strings.ContainsFunc(name, odd) && !strings.Contains(name, "$rekey$")
}

// locate is describe for a name of the path, or with its schema.
func (a *adoption) locate(ctx context.Context, setting, name string) (table, error) {
	id, ok := identifier(name)
	if !ok || !harmless(name) {
		return table{}, &SettingError{setting, fmt.Errorf("%q: %w, without control characters", name, errName)}
	}
	if len(id) == 1 {
		var schema string
		err := a.tx.QueryRow(ctx, `SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relname::text = $1 AND n.nspname::text = ANY ($2::text[]) ORDER BY array_position($2::text[], n.nspname::text) LIMIT 1`, name, a.path).Scan(&schema)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return table{}, err
		}
		if schema == "" {
			return table{}, &SettingError{setting, fmt.Errorf("there is no table %s in the schemas %q, where it is looked for; case matters", name, a.path)}
		}
		name = schema + "." + name
	}
	t, err := describe(ctx, a.tx, setting, name)
	for column, c := range t.columns {
		if !harmless(column) || !harmless(c.declared) {
			return t, &SettingError{setting, fmt.Errorf("the column %q of %s has a name that no file should hold", column, t.name)}
		}
	}
	if err != nil {
		return t, err
	}
	return t, a.own(ctx, setting, &t)
}

// own finds the owner of a table. He reads and changes it by the view, so no policy may hide rows
// from him.
func (a *adoption) own(ctx context.Context, setting string, t *table) error {
	var hides bool
	err := a.tx.QueryRow(ctx, `SELECT CASE WHEN EXISTS (SELECT FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid WHERE i.inhparent = c.oid AND k.relowner <> c.relowner) THEN ''
				ELSE o.rolname::text END, c.relforcerowsecurity AND NOT o.rolsuper AND NOT o.rolbypassrls,
			c.relkind = 'v' OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '4'),
			EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgtype & 11 = 11)
		FROM pg_class c JOIN pg_roles o ON o.oid = c.relowner WHERE c.oid = $1`, t.oid).Scan(&t.owner, &hides, &t.rewritten, &t.triggered)
	if err == nil && !harmless(t.owner) {
		return &SettingError{setting, fmt.Errorf("the owner of %s has a name that no file should hold", t.name)}
	}
	if err == nil && hides {
		return &SettingError{setting, fmt.Errorf("row-level security is forced on the owner of %s, and may hide rows from him: ALTER TABLE ... NO FORCE ROW LEVEL SECURITY", t.name)}
	}
	return err
}

// ErrNotOneTable means that no table, or more than one, looks like that of the users.
var ErrNotOneTable = errors.New("name the table of the users")

// Names of columns, without case and underscores, the likeliest first.
const (
	addressNames = "email emailaddress useremail mail"
	hashNames    = "password passwordhash encryptedpassword passworddigest hashedpassword passwd pwhash pwdhash userpass pass"
	ownerNames   = "userid accountid user account"
)

// application are the tables of the application: not of PostgreSQL, of rekey, or parts of others.
const application = ` FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('rekey', 'information_schema') AND n.nspname NOT LIKE 'pg\_%'
		AND NOT c.relispartition `

// likeUsers finds tables that have a column of each kind.
const likeUsers = `SELECT n.nspname || '.' || c.relname` + application + `
		AND 2 = (SELECT count(DISTINCT kind) FROM pg_attribute a JOIN (
			SELECT 'address' AS kind, unnest($1::text[]) AS name UNION ALL SELECT 'hash', unnest($2::text[])
		) k ON k.name = replace(lower(a.attname::text), '_', '') WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
	ORDER BY 1`

// findUsers finds the table of the users, and that of their hashes.
func (a *adoption) findUsers(ctx context.Context) error {
	name := cmp.Or(a.cfg.Table, a.table)
	if name == "" {
		found, err := a.names(ctx, likeUsers, strings.Fields(addressNames), strings.Fields(hashNames))
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return fmt.Errorf("no table has a column for the address and one for the hash: %w", ErrNotOneTable)
		case len(found) > 1:
			return fmt.Errorf("%q look like it: %w", found, ErrNotOneTable)
		}
		name = found[0]
	}
	var err error
	if a.users, err = a.locate(ctx, "Table", name); err != nil {
		return err
	}
	a.hashed = a.users
	if a.hashes != "" {
		if a.hashed, err = a.locate(ctx, "Table", a.users.schema+"."+a.hashes); err != nil {
			return err
		}
		if a.hashed.owner != a.users.owner {
			return &SettingError{"Table", fmt.Errorf("%s: %s", a.hashed.name, a.notOwn())}
		}
	}
	a.note(false, "the users are in %s", a.users.name)
	return nil
}

func (a *adoption) names(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := a.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// findColumns finds the columns of an account.
func (a *adoption) findColumns(ctx context.Context) error {
	key, err := a.names(ctx, `SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
		WHERE i.indrelid = $1 AND i.indisprimary`, a.users.oid)
	if err == nil && len(key) != 1 {
		err = &SettingError{"Table", fmt.Errorf("%s has a primary key of %d columns, want one: make the view rekey.users by hand", a.users.name, len(key))}
	}
	if err != nil {
		return err
	}
	a.id = a.users.columns[key[0]]
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
		if len(found) > 1 {
			a.note(true, "%s has also the column %s for %s: if the sign-in reads that one, edit the file", want.in.name, found[1].name, want.what)
		}
		*want.to = found[0]
	}
	a.use(a.users, a.id, a.address)
	a.use(a.hashed, a.stored)
	folds, err := a.address.foldsASCII(ctx, a.tx)
	if err != nil {
		return err
	}
	a.address.ownFolding = !folds
	for _, n := range a.address.notes() {
		a.report(n)
	}
	return checkHashLength(a.stored)
}

func (a *adoption) use(t table, columns ...column) {
	for _, c := range columns {
		a.used[t.name+"."+c.name] = true
	}
}

func (a *adoption) uses(t table, c column) bool { return a.used[t.name+"."+c.name] }

// notOwn says whose a table is.
func (a *adoption) notOwn() string {
	return fmt.Sprintf("it, or a part of it, belongs to another role than the users, which %s owns", a.users.owner)
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

// sorted are the columns by name.
func (t table) sorted() []column {
	return slices.SortedFunc(maps.Values(t.columns), func(a, b column) int { return strings.Compare(a.name, b.name) })
}

// unquoted is the name as the catalogue has it.
func (c column) unquoted() string { return strings.ReplaceAll(strings.Trim(c.name, `"`), `""`, `"`) }

// plain is a name without case and underscores.
func (c column) plain() string {
	return strings.ToLower(strings.ReplaceAll(c.unquoted(), "_", ""))
}

// of is the column of the row or alias.
func (c column) of(row string) column {
	c.name = row + "." + c.name
	return c
}
