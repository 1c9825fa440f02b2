package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Note is something that operators should know of the database.
type Note struct {
	Text string // names tables and columns
	Mend bool   // that something should be done about it
}

// Notes are the findings about the database for operators, as of its opening. They concern a
// look-up without an index, the folding of a locale and a pooler. Another is how a time in a
// column of closed accounts is read.
func (s *Store) Notes() []Note { return s.notes }

// foldsASCII reports whether a column's letters A to Z become a to z in lower case, as
// account.ParseAddress folds them. In Turkish and in Azerbaijani an I becomes a dotless one.
func (c column) foldsASCII(ctx context.Context, db querier) (folds bool, err error) {
	collation := c.collation
	if c.base == "citext" || collation == "" {
		collation = `pg_catalog."default"` // citext folds by it, whatever the column has
	}
	err = db.QueryRow(ctx, `SELECT lower('ABCDEFGHIJKLMNOPQRSTUVWXYZ' COLLATE `+collation+`) COLLATE "C" = 'abcdefghijklmnopqrstuvwxyz'`).Scan(&folds)
	return folds, fault(err)
}

// indexOn says how to make an index: of a view there is none, and a partitioned table takes none
// CONCURRENTLY.
func (t table) indexOn(what string) string {
	switch t.kind {
	case "v":
		return `index the table under the view on ` + what
	case "p":
		return fmt.Sprintf(`CREATE INDEX ON %s (%s)`, t.name, what)
	default:
		return fmt.Sprintf(`CREATE INDEX CONCURRENTLY ON %s (%s)`, t.name, what)
	}
}

const probe = "probe@rekey.invalid"

// explainLookup notes when a look-up by address, which anonymous requests cause, reads the
// whole table.
func (s *Store) explainLookup(ctx context.Context) error {
	var is bool
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		is, err = served(ctx, tx, s.users.find, s.users.oid)
		return err
	})
	if err == nil && !is {
		s.notes = append(s.notes, Note{"no index serves the look-up by address, so each request reads the whole table: " + s.users.index, true})
	}
	return fault(err)
}

// firsts are what the indexes of a table, or of the tables behind a view, are sorted by first.
const firsts = `SELECT DISTINCT pg_catalog.pg_get_indexdef(i.indexrelid, 1, false) FROM pg_catalog.pg_index i WHERE i.indisvalid AND (i.indrelid = $1 OR i.indrelid IN (
	SELECT d.refobjid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
	WHERE r.ev_class = $1 AND d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass))`

// qualifier is the alias of a table before a column, in a plan.
var qualifier = regexp.MustCompile(`\b\w+\.`)

// served reports that a look-up uses an index that is sorted by the address first. Another one, such
// as that of a tenant before the address, is read as a whole.
func served(ctx context.Context, tx pgx.Tx, find string, table uint32) (bool, error) {
	rows, err := tx.Query(ctx, firsts, table)
	if err != nil {
		return false, err
	}
	first, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return false, err
	}
	plan, err := planOf(ctx, tx, find)
	return slices.ContainsFunc(plan, func(line string) bool {
		if !strings.Contains(line, "Index Cond") || !strings.Contains(line, probe) {
			return false
		}
		line = qualifier.ReplaceAllString(line, "")
		return slices.ContainsFunc(first, func(by string) bool { return strings.Contains(line, by) })
	}), err
}

// planOf is the plan of a look-up, with an index where there is one. A table may be small yet.
func planOf(ctx context.Context, tx pgx.Tx, find string) ([]string, error) {
	if _, err := tx.Exec(ctx, `SET LOCAL enable_seqscan = off`); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `EXPLAIN `+find, []string{probe})
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// ends are names of times that end a state, which is over after them. The word stands by
// itself: suspend_at is a beginning, and weekend neither.
var ends = regexp.MustCompile(`(?i:(^|_)(until|till|ends?|expires?|expiry)(_?(at|on|date))?$)` +
	`|[a-z0-9](Until|Till|Ends?|Expires?|Expiry)(At|On|Date)?$`)

// notes report a locale whose lower case is not that of mail addresses.
func (c column) notes() []Note {
	if !c.ownFolding {
		return nil
	}
	return []Note{{Text: fmt.Sprintf("the locale of the column %s has a lower case of its own (lower('I') is not 'i'): addresses are compared in the collation \"C\"", c.name)}}
}

// ends report how a time in the column of closed accounts is read.
func (u Users) ends(t table) []Note {
	c := t.columns[u.Disabled]
	switch {
	case !c.isTime():
		return nil
	case c.isEnd():
		return []Note{{Text: fmt.Sprintf("an account is closed while %s is in the future, as the name of the column says", c.name)}}
	default:
		return []Note{{Text: fmt.Sprintf("an account is closed as soon as %s has a time; if that time is the end, give the column a name such as ..._until", c.name)}}
	}
}

// isEnd reports that a time says when something ends, such as banned_until: in the past it is
// no ban. Another time, such as deleted_at, says that it has happened.
func (c column) isEnd() bool { return c.isTime() && ends.MatchString(strings.Trim(c.name, `"`)) }
