package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// table is one that exists, with the columns it has.
type table struct {
	oid    uint32
	kind   string // r for a table, p for a partitioned one, v for a view
	schema string
	name   string // quoted, with its schema: no search path leads elsewhere

	owner     string // a role; Adopt fills this and the next
	rewritten bool   // a DELETE may do something else: a view, or a rule
	triggered bool   // a trigger may keep rows from a DELETE

	columns map[string]column
}

// column is one that exists.
type column struct {
	name     string // quoted
	declared string // its type, as in a cast
	base     string // that type, or the base of a domain
	plainly  string // base, as in a cast
	within   string // quoted schema of base
	category string // of types, as PostgreSQL has them: S is for texts, E for enums
	limit    int    // longest text in characters, 0 for no limit
	// collation is quoted, with its schema; empty for a type without one.
	collation string
	required  bool // takes no NULL
	generated bool // takes no value
	// ownFolding is that lower case in its locale is not that of ASCII.
	ownFolding bool
}

// The kinds of columns that there are settings for.
func (c column) isText() bool { return c.category == "S" }
func (c column) isBool() bool { return c.base == "bool" }
func (c column) isTime() bool { return c.base == "timestamptz" || c.base == "timestamp" }
func (c column) isTexts() bool {
	return slices.Contains([]string{"_text", "_varchar", "_citext"}, c.base)
}
func (c column) isAny() bool { return true }

// whereIs finds a table $2 of the schema $1, or of the search path. There it passes over
// rekey's schema, which comes first for a database user of the name rekey. Its "sessions" would
// be rekey's.
const whereIs = `SELECT c.oid, n.nspname, c.relname, c.relkind::text, pg_catalog.row_security_active(c.oid)
	FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relname = $2 AND CASE $1::text WHEN '' THEN n.nspname = ANY (current_schemas(false)) AND n.nspname <> 'rekey' ELSE n.nspname = $1 END
	ORDER BY array_position(current_schemas(false), n.nspname) LIMIT 1`

// errRowSecurity refuses a policy that could hide rows. A DELETE or a look-up that sees none
// succeeds, so that sessions would outlive a change. The effect of a policy cannot be judged.
var errRowSecurity = errors.New("row-level security may hide rows from this database user, and a hidden session would survive a change: use ALTER ROLE ... BYPASSRLS, because rekey cannot see if a policy hides rows")

// describe finds a table.
func describe(ctx context.Context, db querier, setting, name string) (table, error) {
	id, ok := identifier(name)
	if !ok {
		return table{}, &SettingError{setting, errName}
	}
	var oid uint32
	var schema, relation, kind string
	var hides bool // never of a view: its tables are the business of its owner
	err := db.QueryRow(ctx, whereIs, inSchema(id), id[len(id)-1]).Scan(&oid, &schema, &relation, &kind, &hides)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return table{}, &SettingError{setting, fmt.Errorf("there is no table %s in this database, or this user cannot use its schema; case matters", name)}
	case err != nil:
		return table{}, &SettingError{setting, fault(err)}
	case kind != "r" && kind != "p" && kind != "v":
		return table{}, &SettingError{setting, fmt.Errorf("%s is neither a table nor a view", name)}
	case hides:
		return table{}, &SettingError{setting, errRowSecurity}
	}
	t := table{oid: oid, kind: kind, schema: schema, name: pgx.Identifier{schema, relation}.Sanitize()}
	t.columns, err = columns(ctx, db, oid)
	return t, err
}

// inSchema is the schema that a name says, empty for none.
func inSchema(id pgx.Identifier) string {
	if len(id) == 2 {
		return id[0]
	}
	return ""
}

func columns(ctx context.Context, db querier, oid uint32) (map[string]column, error) {
	rows, err := db.Query(ctx, `SELECT a.attname, pg_catalog.format_type(a.atttypid, -1), b.typname, pg_catalog.format_type(b.oid, -1), b.typnamespace::regnamespace::text, b.typcategory::text,
			CASE WHEN b.typname IN ('varchar', 'bpchar') THEN greatest(coalesce(d.typmod, a.atttypmod) - 4, 0) ELSE 0 END,
			coalesce(l.collnamespace::regnamespace::text || '.' || quote_ident(l.collname), ''), a.attnotnull OR d.required, a.attgenerated <> '' OR a.attidentity = 'a'
		FROM pg_catalog.pg_attribute a
		CROSS JOIN LATERAL (WITH RECURSIVE d (oid) AS (
				SELECT a.atttypid UNION ALL SELECT t.typbasetype FROM d JOIN pg_catalog.pg_type t ON t.oid = d.oid WHERE t.typtype = 'd'
			) SELECT max(t.oid) FILTER (WHERE t.typtype <> 'd') AS base, coalesce(bool_or(t.typnotnull), false) AS required, max(t.typtypmod) FILTER (WHERE t.typtype = 'd') AS typmod
			FROM d JOIN pg_catalog.pg_type t ON t.oid = d.oid) d
		JOIN pg_catalog.pg_type b ON b.oid = d.base
		LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
		WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped`, oid)
	if err != nil {
		return nil, fault(err)
	}
	found := map[string]column{}
	var c column
	var name string
	_, err = pgx.ForEachRow(rows, []any{&name, &c.declared, &c.base, &c.plainly, &c.within, &c.category, &c.limit, &c.collation, &c.required, &c.generated}, func() error {
		c.name = pgx.Identifier{name}.Sanitize()
		found[name] = c
		return nil
	})
	return found, fault(err)
}

// column finds a column that must be of a kind.
func (t table) column(setting, name string, fits func(column) bool, kind string) (column, error) {
	c, ok := t.columns[name]
	switch {
	case !ok:
		return c, &SettingError{setting, fmt.Errorf("%s has no column %q", t.name, name)}
	case !fits(c):
		return c, &SettingError{setting, fmt.Errorf("the column %q of %s is of the type %s; want %s", name, t.name, c.declared, kind)}
	}
	return c, nil
}

// optional is column for a setting that may be empty.
func (t table) optional(setting, name string, fits func(column) bool, kind string) (column, error) {
	if name == "" {
		return column{}, nil
	}
	return t.column(setting, name, fits, kind)
}
