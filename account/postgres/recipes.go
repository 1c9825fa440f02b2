package postgres

import (
	"fmt"
	"maps"
	"slices"
)

// recipe has what [Adopt] cannot see in the tables of a known application.
type recipe struct {
	table    string   // of the users
	sessions []string // see AdoptConfig.Sessions
	// hashes is the table of the hashes, when it is not that of the users: a row has the ID of
	// its user in the column user, and the value kind in the column of kinds.
	hashes, user, kinds, kind string
	// set has the values of columns that a change sets, where they are there, in place of those
	// that Adopt would choose.
	set map[string]string
	// also has a statement of a change for each further table of the users' schema, where it is
	// there.
	also map[string]further
}

// further is a statement about a table, for which %s stands, with a column.
type further struct{ column, statement string }

// picks is the condition for rows of an alias of the table of hashes.
func (r recipe) picks(alias string) string {
	return fmt.Sprintf(`%s.%q::text = '%s'`, alias, r.kinds, r.kind)
}

// recipes are the applications that dev/adopt and dev/flowfuse test, by name.
var recipes = map[string]recipe{ //nolint:gochecknoglobals // a constant table
	"better-auth": {table: "user", sessions: []string{"session"}, hashes: "account", user: "userId", kinds: "providerId", kind: "credential"},
	// A session of Django and of Devise holds a part of the hash.
	"devise":   {table: "users", sessions: []string{SessionsEndWithHash}},
	"django":   {table: "auth_user", sessions: []string{SessionsEndWithHash}},
	"flowfuse": {table: "Users", sessions: []string{"Sessions"}},
	"laravel": {table: "users", sessions: []string{"sessions"}, also: map[string]further{
		"password_resets":       {"email", `DELETE FROM %s AS s WHERE s.email::text = OLD.address::text`},
		"password_reset_tokens": {"email", `DELETE FROM %s AS s WHERE s.email::text = OLD.address::text`},
	}},
	"rails": {table: "users", sessions: []string{"sessions"}},
	// As the function UpdatePassword of its server, which reads no NULL from a token. It also takes
	// a sign-in with the new password only when the address is confirmed: a link has done that.
	"supabase": {table: "auth.users", sessions: []string{"auth.sessions"}, set: map[string]string{
		"confirmation_token": "''", "recovery_token": "''", "email_change_token_current": "''", "email_change_token_new": "''",
		"phone_change_token": "''", "reauthentication_token": "''",
		"confirmation_sent_at": "NULL", "email_change_sent_at": "NULL", "phone_change_sent_at": "NULL", "reauthentication_sent_at": "NULL",
		"email_confirmed_at": "coalesce(t.email_confirmed_at, now())",
	}, also: map[string]further{"one_time_tokens": {"user_id", `DELETE FROM %s AS s WHERE s.user_id = OLD.id`}}},
}

// Recipes are the names of the applications that [Adopt] knows.
func Recipes() []string { return slices.Sorted(maps.Keys(recipes)) }
