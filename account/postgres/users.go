package postgres

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// Users describes an application's existing table of users. Names are taken as they are,
// capitals too, and quoted; a table may be schema.table. A view that can be updated serves
// where the table does not fit.
type Users struct {
	Table string
	ID    string // unique, of any type that has a text form
	Email string // text or citext
	// Password is a column of text with the stored hash. NULL, empty, or a text that begins
	// with "!" or "*", is an account without one; see HasPassword of account.Account.
	Password string

	// ChangedAt is when the password was changed (timestamp, in UTC if it has no zone).
	// Sessions from before it must count for nothing. A change sets it.
	ChangedAt string
	// Sessions is a table with a row for each session, and SessionsUser its column with
	// the ID of the user. A change deletes the rows of its user.
	Sessions, SessionsUser string

	// Optional columns.
	Disabled   string // boolean; or timestamp: set for an account that is, or in the future if the name says an end, such as banned_until
	Resettable string // boolean, whether the password may be reset; without it all may
	Notify     string // text or text[]: further addresses that get the notice of a change
	Locale     string // text: the language of the mails, a BCP 47 tag such as pt-BR
	// Verified is a boolean, whether the owner proved that the address is theirs. A first password
	// sets it, in the statement that sets the hash.
	Verified string

	// changer is that a trigger of the table changes what a change of the password changes.
	changer bool
}

// ownUsers are rekey's own tables.
func ownUsers() Users {
	return Users{
		Table: "rekey.accounts", ID: "id", Email: "address", Password: "credential",
		Sessions: "rekey.sessions", SessionsUser: "account_id",
		Disabled: "disabled", Resettable: "resettable", Notify: "notify", Locale: "locale",
	}
}

// adopted is the view that [Adopt] writes.
const adopted = "rekey.users"

// hasAdopted reports whether the view is there. It is found without a right on it.
const hasAdopted = `SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'rekey' AND c.relname = 'users')`

// orFound are these users. Nil is those of the view of [Adopt] where it is there, and else rekey's own.
func (u *Users) orFound(ctx context.Context, db querier) (Users, error) {
	if u != nil {
		return *u, nil
	}
	var is bool
	if err := db.QueryRow(ctx, hasAdopted).Scan(&is); err != nil || !is {
		return ownUsers(), fault(err)
	}
	t, err := describe(ctx, db, "Table", adopted)
	found := Users{Table: adopted, ID: "id", Email: "address", Password: "credential", changer: true}
	for name, to := range map[string]*string{"disabled": &found.Disabled, "resettable": &found.Resettable, "notify": &found.Notify, "locale": &found.Locale} {
		if _, has := t.columns[name]; has {
			*to = name
		}
	}
	if err == nil {
		found.Verified, err = verifiable(ctx, db, t)
	}
	return found, err
}

// verifiable is the column of the view which first passwords set, empty for none or without the
// right to set it.
func verifiable(ctx context.Context, db querier, t table) (name string, err error) {
	const column = "address_verified"
	if _, has := t.columns[column]; !has {
		return "", nil
	}
	var may bool
	err = db.QueryRow(ctx, `SELECT has_column_privilege($1::oid, $2, 'UPDATE')`, t.oid, column).Scan(&may)
	if err != nil || !may {
		return "", fault(err)
	}
	return column, nil
}

var errNoTrigger = errors.New("the view rekey.users has no trigger INSTEAD OF UPDATE, which ends the sessions of an account: run the file of `rekey adopt` again")

// checkChanger refuses a view without its trigger: a change would leave sessions open.
func (t table) checkChanger(ctx context.Context, db querier) error {
	var has bool
	err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = $1 AND t.tgtype & 80 = 80 AND t.tgenabled IN ('O', 'A'))`, t.oid).Scan(&has)
	if err == nil && !has {
		return &SettingError{"Table", errNoTrigger}
	}
	return fault(err)
}

// SettingError says which field of [Users], or of [AdoptConfig], is not as it should be.
type SettingError struct {
	Setting string // name of the field
	Reason  error
}

// Error names the field and the reason.
func (e *SettingError) Error() string { return "Users." + e.Setting + ": " + e.Reason.Error() }

// Unwrap returns the reason.
func (e *SettingError) Unwrap() error { return e.Reason }

// ErrNoSessions means that sessions would outlive a change of the password.
var ErrNoSessions = errors.New("a reset must end the sessions of its account: name the table of sessions, or a column that says when the password was changed")

var errName = errors.New("want a name of at most 63 bytes, or schema.name for a table")

// check judges all that needs no database.
func (u Users) check() error {
	for _, table := range []struct{ setting, name string }{{"Table", u.Table}, {"Sessions", u.Sessions}} {
		if _, ok := identifier(table.name); !ok && table.name != "" {
			return &SettingError{table.setting, errName}
		}
	}
	for _, required := range []struct{ setting, name string }{
		{"Table", u.Table}, {"ID", u.ID}, {"Email", u.Email}, {"Password", u.Password},
	} {
		if required.name == "" {
			return &SettingError{required.setting, errors.New("is missing")}
		}
	}
	switch {
	case u.Sessions == "" && u.ChangedAt == "":
		return ErrNoSessions
	case u.Sessions != "" && u.SessionsUser == "":
		return &SettingError{"SessionsUser", errors.New("is missing")}
	case u.Sessions == "" && u.SessionsUser != "":
		return &SettingError{"Sessions", errors.New("is missing")}
	}
	return nil
}

// identifier splits the name of a table.
func identifier(name string) (pgx.Identifier, bool) {
	parts := strings.Split(name, ".")
	if len(parts) > 2 {
		return nil, false
	}
	for _, part := range parts {
		if part == "" || len(part) > 63 || !utf8.ValidString(part) || strings.ContainsRune(part, 0) {
			return nil, false
		}
	}
	return parts, true
}
