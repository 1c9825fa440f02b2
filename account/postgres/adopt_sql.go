package postgres

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/jackc/pgx/v5"
)

// Columns that close an account, by their names without case and underscores.
const (
	closedBy  = "disabled isdisabled suspended issuspended blocked isblocked deleted isdeleted archived isarchived closed isclosed deactivated"
	openBy    = "active isactive enabled isenabled"
	closedAt  = "disabledat suspendedat bannedat blockedat deletedat archivedat closedat deactivatedat disabledon suspendedon deletedon"
	elsewhere = "isanonymous ssoenabled isssouser sso issso samlenabled isexternal externalauth ldapuser isldap"
)

// closedUntil is the end of a ban. The end of a lock after wrong passwords is none: a reset lifts it.
var closedUntil = regexp.MustCompile(`^(ban|block|suspen|disabl|clos|deactiv)`)

// disabled says when an account is closed, empty for never.
func (a *adoption) disabled() string {
	closed := a.bans()
	for _, c := range a.users.named(closedBy, column.isBool) {
		closed = append(closed, c.ofUser().holds(""))
	}
	for _, c := range a.users.named(openBy, column.isBool) {
		closed = append(closed, `NOT `+c.ofUser().holds(""))
	}
	for _, c := range a.users.named(closedAt, func(c column) bool { return c.isTime() && !c.isEnd() }) {
		closed = append(closed, c.ofUser().holds(""))
	}
	for _, c := range a.users.named("status state accountstatus userstatus", column.isAny) {
		a.note(true, "the column %s may say that an account is closed: if so, add it to disabled in the view", c.name)
	}
	return strings.Join(closed, " OR ")
}

// bans are the conditions of columns about bans. A boolean that has an end beside it counts as long
// as the end is not set: then the end counts.
func (a *adoption) bans() (closed []string) {
	var forever strings.Builder
	for _, c := range a.users.sorted() {
		if c.isEnd() && closedUntil.MatchString(c.plain()) {
			closed = append(closed, c.ofUser().holds(""))
			fmt.Fprintf(&forever, " AND %s IS NULL", c.ofUser().name)
		}
	}
	for _, c := range a.users.named("banned isbanned", column.isBool) {
		closed = append(closed, "("+c.ofUser().holds("")+forever.String()+")")
	}
	return closed
}

// resettable says when a password may be reset, empty for always.
func (a *adoption) resettable() string {
	var not []string
	for _, c := range a.users.named(elsewhere, column.isBool) {
		not = append(not, `NOT `+c.ofUser().holds(""))
	}
	for _, c := range a.users.named("provider authprovider authtype authmethod logintype", column.isText) {
		a.note(true, "the column %s may say that an account signs in elsewhere: if so, add resettable to the view", c.name)
	}
	return strings.Join(not, " AND ")
}

// companion is a kind of column that changes with a password.
type companion struct {
	names string
	fits  func(column) bool
	set   string
}

// companions are columns that the reset of a usual application sets. A secret that would let
// somebody in, and a lock after wrong passwords, end with the old password.
func companions() []companion {
	number := func(c column) bool { return c.category == "N" }
	return []companion{
		{"remembertoken remembercreatedat resettoken resetpasswordtoken passwordresettoken resetpasswordsentat resettokenexpires resetpasswordexpires passwordresetexpires recoverytoken recoverysentat unlocktoken lockedat lockeduntil lockoutend lockoutuntil", column.isAny, "NULL"},
		{"failedattempts failedloginattempts failedlogins loginattempts accessfailedcount", number, "0"},
		{"tokenversion sessionversion authversion jwtversion credentialsversion", number, "%s + 1"},
		{"securitystamp sessionkey", column.isText, "gen_random_uuid()"},
		{"passwordexpired mustchangepassword forcepasswordchange passwordchangerequired", column.isBool, "false"},
		{"passwordchangedat passwordupdatedat lastpasswordchange passwordlastchanged passwordsetat updatedat modifiedat", column.isTime, "now"},
	}
}

// changes are the assignments to the columns of a table that change with a password.
func (a *adoption) changes(t table) (set []string) {
	for _, c := range t.sorted() {
		if value, ok := a.set[c.unquoted()]; ok {
			set = append(set, c.name+" = "+value)
		}
	}
	for _, kind := range companions() {
		for _, c := range t.named(kind.names, kind.fits) {
			if _, ok := a.set[c.unquoted()]; !ok {
				set = append(set, a.change(t, c, kind.set)...)
			}
		}
	}
	return set
}

// change is one assignment, or none.
func (a *adoption) change(t table, c column, value string) []string {
	switch {
	case value == "NULL" && c.required && c.isText():
		value = "''"
	case value == "NULL" && c.required:
		a.note(true, "the column %s of %s takes no NULL: look at its meaning, and set it in the trigger if needed", c.name, t.name)
		return nil
	case value == "now":
		return []string{strings.TrimPrefix(c.setNow(), ", ")}
	case strings.Contains(value, "%s"):
		value = fmt.Sprintf(value, c.name)
	}
	return []string{c.name + " = " + value}
}

// sorted are the columns by name.
func (t table) sorted() (all []column) {
	for _, c := range t.columns {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b column) int { return strings.Compare(a.name, b.name) })
	return all
}

// ofUser is the column of the table with the alias u.
func (c column) ofUser() column {
	c.name = "u." + c.name
	return c
}

//nolint:gochecknoglobals // a constant text
var adoptText = template.Must(template.New("adopt").Parse(`-- The worker of rekey reads and changes the users of {{.Users}} through the view rekey.users.
-- Review this file, and run it after ` + "`rekey migrate`" + ` as a role that owns the tables:
--
--     psql -v ON_ERROR_STOP=1 -qf FILE DATABASE
--
-- It may be repeated. Before you change a column of the view: DROP VIEW rekey.users, and run it again.
BEGIN;

DROP VIEW IF EXISTS rekey.users;
CREATE VIEW rekey.users AS
SELECT u.{{.ID}} AS id,
    u.{{.Address}} AS address,
    {{.From}}.{{.Stored}} AS credential
{{- with .Disabled}},
    {{.}} AS disabled{{end}}
{{- with .Resettable}},
    {{.}} AS resettable{{end}}
FROM {{.Users}} AS u{{with .Join}}
JOIN {{.}}{{end}};

-- What a change of the password does, in one transaction.
CREATE OR REPLACE FUNCTION rekey.change_password() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {{.Schema}}, pg_temp AS $rekey$
BEGIN
    UPDATE {{.Hashed}} SET {{.Stored}} = NEW.credential{{range .Set}},
        {{.}}{{end}}
    WHERE {{.Row}};
    IF NOT FOUND THEN
        RETURN NULL; -- deleted meanwhile
    END IF;
{{- with .SetUsers}}
    UPDATE {{$.Users}} SET {{.}} WHERE {{$.ID}} = OLD.id;
{{- end}}
{{- range .Ends}}
    {{.}};
{{- else}}
    -- Sessions end with the hash.
{{- end}}
    RETURN NEW;
END $rekey$;
REVOKE EXECUTE ON FUNCTION rekey.change_password() FROM PUBLIC;
CREATE TRIGGER change_password INSTEAD OF UPDATE ON rekey.users
    FOR EACH ROW EXECUTE FUNCTION rekey.change_password();

{{if .NewRole}}DO $rekey$ BEGIN
    CREATE ROLE {{.Role}} LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; -- by an earlier run of this file
END $rekey$;
{{end}}GRANT SELECT, UPDATE (credential) ON rekey.users TO {{.Role}};
GRANT USAGE ON SCHEMA rekey TO {{.Role}};
GRANT SELECT ON rekey.goose_db_version TO {{.Role}};
GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.tokens, rekey.submissions, rekey.begun TO {{.Role}};
GRANT SELECT, INSERT, DELETE ON rekey.mails TO {{.Role}};
GRANT INSERT, DELETE, SELECT (id, at) ON rekey.audit TO {{.Role}};
COMMIT;
`))

// sql writes the file.
func (a *adoption) sql(ctx context.Context, ends []string) (string, error) {
	var hasRole bool
	if err := a.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)`, a.role).Scan(&hasRole); err != nil {
		return "", err
	}
	schema, _, _ := strings.Cut(a.users.name, ".")
	fill := map[string]any{
		"Users": a.users.name, "Hashed": a.hashed.name, "Schema": schema,
		"ID": a.id.name, "Address": a.address.name, "Stored": a.stored.name,
		"Disabled": a.disabled(), "Resettable": a.resettable(),
		"Set": a.changes(a.hashed), "Ends": ends,
		"Role": pgx.Identifier{a.role}.Sanitize(), "NewRole": !hasRole,
		"From": "u", "Join": "", "SetUsers": "", "Row": a.id.name + " = OLD.id",
	}
	if a.hashes != "" {
		owner, err := a.hashed.column("Table", a.user, column.isAny, "")
		if err != nil {
			return "", err
		}
		fill["From"], fill["Join"] = "h", fmt.Sprintf("%s AS h ON h.%s = u.%s AND h.%s", a.hashed.name, owner.name, a.id.name, a.where)
		fill["Row"] = fmt.Sprintf("%s = OLD.id AND %s", owner.name, a.where)
		fill["SetUsers"] = strings.Join(a.changes(a.users), ", ")
	}
	var text strings.Builder
	err := adoptText.Execute(&text, fill)
	return text.String(), err
}
