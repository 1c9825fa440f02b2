package postgres

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/jackc/pgx/v5"
)

// Columns that close an account, by their names without case and underscores, those of a verified
// address, those of a sign-in elsewhere, and those of the owner's language.
const (
	closedBy   = "banned isbanned disabled isdisabled suspended issuspended blocked isblocked deleted isdeleted archived isarchived closed isclosed deactivated"
	openBy     = "active isactive enabled isenabled"
	closedAt   = "disabledat suspendedat bannedat blockedat deletedat archivedat closedat deactivatedat disabledon suspendedon deletedon"
	verifiedIs = "emailverified isemailverified emailconfirmed isemailconfirmed"
	verifiedAt = "emailverifiedat emailconfirmedat confirmedat"
	elsewhere  = "isanonymous ssoenabled isssouser sso issso samlenabled isexternal externalauth ldapuser isldap"
	languageIs = "locale language lang preferredlocale preferredlanguage userlocale"
)

// closedUntil are ends of a ban. locked are ends of a lock, which wrong passwords cause, and which a
// reset lifts.
var closedUntil = regexp.MustCompile(`^(ban|banned|block|blocked|suspend|suspended|suspension|disabled|closed|deactivated)(until|till|ends?|expires?|expiry)(at|on|date)?$`)

const locked = "lockeduntil lockoutend lockoutuntil lockoutendat"

// disabled says when an account is closed, empty for never. Marks of a kind that has an end count as
// long as that is not set: then the end counts.
func (a *adoption) disabled() string {
	var closed []string
	ends := map[string]string{}
	for _, c := range a.users.sorted() {
		if c.isEnd() && closedUntil.MatchString(c.plain()) {
			closed = append(closed, a.holding(c))
			ends[c.kind()] += fmt.Sprintf(" AND %s IS NULL", c.of("u").name)
		}
	}
	for _, c := range a.users.named(closedBy, column.isBool) {
		closed = append(closed, "("+a.holding(c)+ends[c.kind()]+")")
	}
	for _, c := range a.users.named(openBy, column.isBool) {
		closed = append(closed, `NOT `+a.holding(c))
	}
	for _, c := range a.users.named(closedAt, func(c column) bool { return c.isTime() && !c.isEnd() }) {
		a.use(a.users, c) // an infinite time never comes
		closed = append(closed, fmt.Sprintf("(coalesce(isfinite(%s), false)%s)", c.of("u").typed(), ends[c.kind()]))
	}
	for _, c := range a.users.named(locked, column.isTime) {
		closed = append(closed, c.of("u").isFar())
	}
	return strings.Join(closed, " OR ")
}

// kind is the beginning of the word for the way in which an account is closed.
func (c column) kind() string { return strings.TrimPrefix(c.plain(), "is")[:3] }

func (a *adoption) holding(c column) string {
	a.use(a.users, c)
	return c.of("u").holds("")
}

// isFar is a lock of more than a year: an administrator made it, and no wrong password.
func (c column) isFar() string {
	return fmt.Sprintf(`coalesce(%s > (%s) + interval '1 year', false)`, c.typed(), c.clock())
}

// unlocked is the end of a lock after a change.
func (c column) unlocked() string {
	if c.required {
		return fmt.Sprintf(`CASE WHEN %s THEN %s ELSE %s END`, c.isFar(), c.name, c.clock())
	}
	return fmt.Sprintf(`CASE WHEN %s THEN %s END`, c.isFar(), c.name)
}

// resettable says when a password may be reset, empty for always.
func (a *adoption) resettable() string {
	var not []string
	for _, c := range a.users.named(elsewhere, column.isBool) {
		not = append(not, `NOT `+a.holding(c))
	}
	return strings.Join(not, " AND ")
}

// locale is the language of a user, empty without a column for it.
func (a *adoption) locale() string {
	for _, c := range a.users.named(languageIs, column.isText) {
		a.use(a.users, c)
		return c.of("u").name
	}
	return ""
}

// verified says when the address of a user is verified, and what marks it; both are empty without a
// column for it, or when every change marks it.
func (a *adoption) verified() (is, mark string) {
	var all, marks []string
	for _, c := range append(a.users.named(verifiedIs, column.isBool), a.users.named(verifiedAt, column.isTime)...) {
		if c.generated || a.uses(a.users, c) {
			continue
		}
		all = append(all, a.holding(c))
		value := c.clock()
		if c.isBool() {
			value = "true"
		}
		marks = append(marks, c.name+" = "+value)
	}
	return strings.Join(all, " AND "), strings.Join(marks, ", ")
}

// companion is a kind of column that changes with a password.
type companion struct {
	names string
	fits  func(column) bool
	set   func(column) string // empty for none
	ends  bool                // sessions may end with it
}

// companions are columns that the reset of a usual application sets. A secret that would let
// somebody in, and a lock after wrong passwords, end with the old password.
func (t table) companions() []companion {
	number := func(c column) bool { return c.category == "N" }
	secret := func(c column) bool { return c.isText() || c.base == "uuid" }
	counts := "failedattempts failedloginattempts failedlogins loginattempts accessfailedcount"
	lockedAt := "" // an administrator's, when nothing counts
	if len(t.named(counts+" unlocktoken", column.isAny)) > 0 {
		lockedAt = " lockedat"
	}
	to := func(value string) func(column) string { return func(column) string { return value } }
	return []companion{
		{"remembertoken resettoken resetpasswordtoken passwordresettoken recoverytoken unlocktoken", secret, column.forgotten, false},
		{"remembercreatedat resetpasswordsentat recoverysentat resettokenexpires resettokenexpiresat resetpasswordexpires resetpasswordexpiresat passwordresetexpires passwordresetexpiresat" + lockedAt, column.isTime, column.cleared, false},
		{locked, column.isTime, column.unlocked, false},
		{counts, number, to("0"), false},
		{"tokenversion sessionversion authversion jwtversion credentialsversion", number, column.next, true},
		{"securitystamp sessionkey", secret, column.random, true},
		{"passwordexpired mustchangepassword forcepasswordchange passwordchangerequired", column.isBool, to("false"), false},
		{"passwordchangedat passwordupdatedat lastpasswordchange passwordlastchanged passwordsetat", column.isTime, column.clock, true},
		{"updatedat modifiedat", column.isTime, column.clock, false},
	}
}

// next is the number after that of a column.
func (c column) next() string {
	return fmt.Sprintf(`coalesce(%[1]s, 0::%[2]s) + 1::%[2]s`, c.typed(), c.plainly)
}

// random is a new secret of the column's length.
func (c column) random() string {
	switch {
	case !c.isText():
		return `gen_random_uuid()`
	case c.limit > 0:
		return fmt.Sprintf(`left(replace(gen_random_uuid()::text, '-', ''), %d)`, c.limit)
	default:
		return `replace(gen_random_uuid()::text, '-', '')`
	}
}

// forgotten is no secret, or one that nobody knows: an empty one might be equal to no cookie.
func (c column) forgotten() string {
	if c.required {
		return c.random()
	}
	return "NULL"
}

func (c column) cleared() string {
	if c.required {
		return ""
	}
	return "NULL"
}

// changes are the assignments to the columns of a table that change with a password.
func (a *adoption) changes(t table) (set []string) {
	assign := func(c column, value string) {
		a.use(t, c)
		set = append(set, c.name+" = "+value)
	}
	for _, c := range t.sorted() {
		if value, ok := a.set[c.unquoted()]; ok && !c.generated {
			assign(c, value)
		}
	}
	for _, kind := range t.companions() {
		for _, c := range t.named(kind.names, kind.fits) {
			value := kind.set(c.of("t"))
			if value == "" || c.generated || a.uses(t, c) {
				continue
			}
			assign(c, value)
			if kind.ends {
				a.stamp = c.name
			}
		}
	}
	return set
}

// parts are what is known of the view and of a change.
type parts struct {
	disabled, resettable string
	locale               string
	set, setUsers        []string // assignments to the table of the hashes, and to that of the users
	verified, mark       string   // see adoption.verified
}

//nolint:gochecknoglobals // a constant text
var adoptText = template.Must(template.New("adopt").Parse(`-- The worker of rekey reads and changes the users of {{.Users}} through the view rekey.users.
-- Review this file, and run it after "rekey migrate" as the owner of the tables or as a superuser:
--
--     psql -v ON_ERROR_STOP=1 -qf FILE DATABASE
--
-- It may be repeated. Before you change a column of the view: DROP VIEW rekey.users, and run it again.
BEGIN;
SET LOCAL client_min_messages = warning;

DROP VIEW IF EXISTS rekey.users;
CREATE VIEW rekey.users AS
SELECT u.{{.ID}} AS id,
    u.{{.Address}} AS address,
    {{.From}}.{{.Stored}} AS credential
{{- with .Disabled}},
    {{.}} AS disabled{{end}}
{{- with .Resettable}},
    {{.}} AS resettable{{end}}
{{- with .Locale}},
    {{.}} AS locale{{end}}
{{- with .Verified}},
    {{.}} AS address_verified{{end}}
FROM {{.Users}} AS u{{with .Join}}
JOIN {{.}}{{end}};

-- What a change of the password does, in one transaction.
CREATE OR REPLACE FUNCTION rekey.change_password() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {{.Path}}, pg_temp AS $rekey$
BEGIN
    UPDATE {{.Hashed}} AS t SET {{.Stored}} = NEW.credential{{range .Set}},
        {{.}}{{end}}
    WHERE {{.Row}};
    IF NOT FOUND THEN
        RETURN NULL; -- deleted meanwhile
    END IF;
{{- with .SetUsers}}
    UPDATE {{$.Users}} AS t SET {{.}} WHERE {{$.User}};
{{- end}}
{{- with .Mark}}
    IF NEW.address_verified AND NOT OLD.address_verified THEN -- with a first password
        UPDATE {{$.Users}} AS t SET {{.}} WHERE {{$.User}};
    END IF;
{{- end}}
{{- range .Ends}}
    {{.}};
{{- end}}
    RETURN NEW;
END $rekey$;
REVOKE EXECUTE ON FUNCTION rekey.change_password() FROM PUBLIC;
CREATE TRIGGER change_password INSTEAD OF UPDATE ON rekey.users
    FOR EACH ROW EXECUTE FUNCTION rekey.change_password();
DO $rekey$ BEGIN -- with no more power than the application has
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        ALTER VIEW rekey.users OWNER TO {{.Owner}};
        ALTER FUNCTION rekey.change_password() OWNER TO {{.Owner}};
    END IF;
END $rekey$;

{{if .NewRole}}DO $rekey$ BEGIN
    IF pg_catalog.to_regrole('{{.RoleText}}') IS NULL THEN -- made by an earlier run of this file, or by a superuser
        CREATE ROLE {{.Role}} LOGIN;
    END IF;
END $rekey$;
{{end}}GRANT SELECT, UPDATE (credential{{with .Mark}}, address_verified{{end}}) ON rekey.users TO {{.Role}};
GRANT USAGE ON SCHEMA rekey TO {{.Role}};
GRANT SELECT ON rekey.goose_db_version TO {{.Role}};
GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.tokens, rekey.submissions, rekey.begun TO {{.Role}};
GRANT SELECT, INSERT, DELETE ON rekey.mails TO {{.Role}};
GRANT INSERT, DELETE, SELECT (id, at) ON rekey.audit TO {{.Role}};
COMMIT;
`))

// sql writes the file.
func (a *adoption) sql(ctx context.Context, p parts) (string, error) {
	var hasRole, mayCreate bool
	err := a.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname::text = $1), bool_or(rolsuper OR rolcreaterole)
		FROM pg_roles WHERE rolname = current_user`, a.cfg.Role).Scan(&hasRole, &mayCreate)
	if err != nil {
		return "", err
	}
	role := pgx.Identifier{a.cfg.Role}.Sanitize()
	if !hasRole && !mayCreate {
		a.note(true, "this user may make no role: a superuser has to CREATE ROLE %s LOGIN, before you run the file", role)
	}
	path := []string{a.users.schema}
	for _, schema := range a.path {
		if schema != a.users.schema && harmless(schema) {
			path = append(path, schema)
		}
	}
	for i, schema := range path {
		path[i] = pgx.Identifier{schema}.Sanitize()
	}
	fill := map[string]any{
		"Users": a.users.name, "Hashed": a.hashed.name, "Path": strings.Join(path, ", "), "Owner": pgx.Identifier{a.users.owner}.Sanitize(),
		"ID": a.id.name, "Address": a.address.name, "Stored": a.stored.name, "Disabled": p.disabled, "Resettable": p.resettable, "Locale": p.locale, "Verified": p.verified, "Mark": p.mark,
		"Set": p.set, "SetUsers": strings.Join(p.setUsers, ", "), "User": a.isOld(a.id.of("t")), "Ends": a.ends,
		"Role": role, "RoleText": strings.ReplaceAll(role, "'", "''"), "NewRole": !hasRole, "From": "u", "Join": "", "Row": a.isOld(a.id.of("t")),
	}
	if a.hashes != "" {
		owner, err := a.hashed.column("Table", a.user, column.isAny, "")
		if err != nil {
			return "", err
		}
		fill["From"], fill["Join"] = "h", fmt.Sprintf("%s AS h ON %s AND %s", a.hashed.name, owner.of("h").is(a.id.of("u").name), a.picks("h"))
		fill["Row"] = a.isOld(owner.of("t")) + " AND " + a.picks("t")
	}
	var text strings.Builder
	err = adoptText.Execute(&text, fill)
	return text.String(), err
}
