package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// statements are the queries of the table of users.
type statements struct {
	oid         uint32 // of the table or view
	name        string // quoted
	some        string // whether there is an account
	find        string // by $1, the spellings of an address
	index       string // the statement of an index that serves find
	read        string // by $1, an ID
	lock        string // read, and keep others from changing it
	first       string // $1 accounts, in the order of their IDs
	next        string // as many after the ID $2
	sample      string // $1 accounts that may be reset
	hash        column // of the password
	notes       []Note
	set         string // the hash $1 of the ID $2
	setFirst    string // set, and that the address is verified where that is kept
	endSessions string // of the ID $1; empty when ChangedAt does, or a trigger
	changer     bool   // see Users
}

// shortestHash is the length of a bcrypt hash. An Argon2id hash has 97 characters.
const shortestHash = 60

// prepare finds the tables and columns and writes the statements.
func (u Users) prepare(ctx context.Context, pool *pgxpool.Pool) (statements, error) {
	if err := u.check(); err != nil && !u.changer {
		return statements{}, err
	}
	t, err := describe(ctx, pool, "Table", u.Table)
	if err != nil {
		return statements{}, err
	}
	if _, has := t.columns[u.Locale]; !has && u.Table == ownUsers().Table {
		u.Locale = "" // a view in place of the table
	}
	id, idErr := t.column("ID", u.ID, column.isAny, "")
	email, emailErr := t.column("Email", u.Email, column.isText, "text")
	hash, hashErr := t.column("Password", u.Password, column.isText, "text")
	verified, verifiedErr := t.optional("Verified", u.Verified, column.isBool, "boolean")
	changed, changedErr := t.optional("ChangedAt", u.ChangedAt, column.isTime, "timestamp with time zone")
	fields, fieldsErr := u.optionals(t)
	if err := cmp.Or(idErr, emailErr, hashErr, changedErr, verifiedErr, fieldsErr, checkHashLength(hash)); err != nil {
		return statements{}, err
	}
	folds, err := email.foldsASCII(ctx, pool)
	if err != nil {
		return statements{}, err
	}
	email.ownFolding = !folds
	from := fmt.Sprintf(`SELECT %s::text, coalesce(%s::text, ''), coalesce(%s::text, ''), %s FROM %s WHERE `, id.name, email.name, hash.name, fields, t.name)
	s := statements{oid: t.oid, name: t.name, some: `SELECT EXISTS (SELECT FROM ` + t.name + `)`, find: from + email.among(), read: from + id.equals(1)}
	s.index = t.indexOn(email.folded())
	s.notes = append(u.ends(t), email.notes()...)
	s.lock = s.read + ` FOR NO KEY UPDATE`
	s.first, s.next = pages(from, id.of(t.name))
	s.hash, s.sample = hash, some(id, email, hash, fields, t)
	set := `UPDATE %s SET %s = $1::text%s WHERE %s`
	s.set = fmt.Sprintf(set, t.name, hash.name, changed.setNow(), id.equals(2))
	s.setFirst = fmt.Sprintf(set, t.name, hash.name, changed.setNow()+verified.setTrue(), id.equals(2))
	if s.changer = u.changer; s.changer {
		return s, t.checkChanger(ctx, pool)
	}
	s.endSessions, err = u.ending(ctx, pool)
	return s, err
}

// some finds $1 accounts that may be reset, in no order.
func some(id, email, hash column, fields string, t table) string {
	return fmt.Sprintf(`SELECT * FROM (SELECT %s::text, coalesce(%s::text, ''), coalesce(%s::text, ''), %s FROM %s) a (id, address, hash, disabled, resettable, notify, locale)
		WHERE hash <> '' AND left(hash, 1) NOT IN ('!', '*') AND NOT disabled AND resettable LIMIT $1`, id.name, email.name, hash.name, fields, t.name)
}

// ending is the statement that ends the sessions of a user.
func (u Users) ending(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	if u.Sessions == "" {
		return "", nil
	}
	t, err := describe(ctx, pool, "Sessions", u.Sessions)
	if err != nil {
		return "", err
	}
	if err := endable(ctx, pool, t); err != nil {
		return "", err
	}
	user, err := t.column("SessionsUser", u.SessionsUser, column.isAny, "")
	return fmt.Sprintf(`DELETE FROM %s WHERE %s`, t.name, user.equals(1)), err
}

// optionals are the last four values of an account.
func (u Users) optionals(t table) (string, error) {
	disabled, disabledErr := t.optional("Disabled", u.Disabled, func(c column) bool { return c.isBool() || c.isTime() }, "boolean or timestamp")
	resettable, resettableErr := t.optional("Resettable", u.Resettable, column.isBool, "boolean")
	notify, notifyErr := t.optional("Notify", u.Notify, func(c column) bool { return c.isText() || c.isTexts() }, "text or text[]")
	locale, localeErr := t.optional("Locale", u.Locale, column.asText, "text")
	return fmt.Sprintf(`%s, %s, %s, %s`, disabled.holds("false"), resettable.holds("true"), notify.list(), locale.text()),
		cmp.Or(disabledErr, resettableErr, notifyErr, localeErr)
}

// checkHashLength refuses a column that no hash fits in.
func checkHashLength(hash column) error {
	if 0 < hash.limit && hash.limit < shortestHash {
		return &SettingError{"Password", fmt.Errorf("the column %s holds %d characters; a bcrypt hash has 60, an Argon2id hash 97", hash.name, hash.limit)}
	}
	return nil
}

// equals compares with a parameter in the column's own type, so that its index serves.
func (c column) equals(parameter int) string { return c.is(fmt.Sprintf("$%d", parameter)) }

// is compares with a value that has a text form.
func (c column) is(value string) string { return c.compare("=", value) }

// compare compares with a value that has a text form. Both sides have exactly one type, for which
// PostgreSQL has an operator: one of another schema would fit a domain, a varchar or an enum better.
func (c column) compare(operator, value string) string {
	switch {
	case c.base == "citext":
		return fmt.Sprintf(`%s OPERATOR(%s.%s) %s::text::%s`, c.compared(), c.within, operator, value, c.plainly)
	case c.asText():
		return fmt.Sprintf(`%s %s %s::text`, c.compared(), operator, value)
	default:
		return fmt.Sprintf(`%s %s %s::text::%s`, c.compared(), operator, value, c.plainly)
	}
}

// asText reports that values are compared as texts.
func (c column) asText() bool {
	return c.base != "citext" && c.isText() && c.base != "bpchar" || c.category == "E"
}

// compared is the value as it is compared.
func (c column) compared() string {
	if c.asText() {
		return c.name + `::text`
	}
	return c.typed()
}

// typed is the value in the base type.
func (c column) typed() string {
	if c.declared == c.plainly {
		return c.name
	}
	return c.name + `::` + c.plainly
}

// among compares with a list of addresses in lower case.
func (c column) among() string {
	if c.base == "citext" && !c.ownFolding {
		return fmt.Sprintf(`%s OPERATOR(%s.=) ANY ($1::text[]::%s[])`, c.typed(), c.within, c.plainly)
	}
	return c.folded() + ` = ANY ($1::text[])`
}

// folded is the expression of an index of the column. Where the locale folds letters of ASCII
// otherwise, only the collation "C" does not.
func (c column) folded() string {
	switch {
	case c.ownFolding:
		return fmt.Sprintf(`lower(%s::text COLLATE "C")`, c.name)
	case c.base == "citext":
		return c.name
	default:
		return fmt.Sprintf(`lower(%s::text)`, c.name)
	}
}

// text is the value as a text, empty for NULL and without a setting.
func (c column) text() string {
	if c.name == "" {
		return `''`
	}
	return fmt.Sprintf(`coalesce(%s::text, '')`, c.name)
}

// holds is whether a boolean is true, or a time is set. A time that is an end must be yet to
// come. An empty setting returns otherwise.
func (c column) holds(otherwise string) string {
	switch {
	case c.name == "":
		return otherwise
	case c.isBool():
		return fmt.Sprintf(`coalesce(%s, false)`, c.name)
	case !c.isEnd():
		return c.name + ` IS NOT NULL`
	default:
		return fmt.Sprintf(`coalesce(%s > %s, false)`, c.typed(), c.clock())
	}
}

// list is the value of a column as an array of texts.
func (c column) list() string {
	switch {
	case c.name == "":
		return `NULL::text[]`
	case c.isTexts():
		return fmt.Sprintf(`array_remove(%s::text[], NULL)`, c.name)
	default:
		return fmt.Sprintf(`array_remove(ARRAY[nullif(%s::text, '')], NULL)`, c.name)
	}
}

// setNow sets a time to that of the database when the row is locked. A session that was made
// before it in an earlier transaction is older.
func (c column) setNow() string {
	if c.name == "" {
		return ""
	}
	return fmt.Sprintf(`, %s = %s`, c.name, c.clock())
}

// setTrue sets a boolean.
func (c column) setTrue() string {
	if c.name == "" {
		return ""
	}
	return fmt.Sprintf(`, %s = true`, c.name)
}

// clock is the time now in the type of a column.
func (c column) clock() string {
	if c.base == "timestamp" {
		return `clock_timestamp() AT TIME ZONE 'UTC'`
	}
	return `clock_timestamp()`
}
