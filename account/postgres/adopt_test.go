package postgres_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// adopt is what `rekey adopt` writes, and what it reports.
func adopt(t *testing.T, url string, cfg postgres.AdoptConfig) (sql string, notes []postgres.Note, err error) {
	t.Helper()
	cfg.URL = cmp.Or(cfg.URL, url)
	if cfg.Role == "" {
		cfg.Role = "postgres"
	}
	cfg.Judge = func(stored string) postgres.Note { return postgres.Note{Text: "form " + account.Form(stored)} }
	sql, err = postgres.Adopt(t.Context(), cfg, func(n postgres.Note) { notes = append(notes, n) })
	return sql, notes, err
}

// everything has a column of each kind that a change sets or that closes an account, in the
// spellings of several frameworks, and sessions in three tables.
const everything = `CREATE TABLE members (
		"memberId" uuid PRIMARY KEY, "emailAddress" text UNIQUE, "passwordHash" text NOT NULL,
		is_active boolean DEFAULT true, banned boolean, banned_until timestamptz, "deletedAt" timestamp, sso_enabled boolean, "Preferred_Locale" varchar(40),
		remember_token text DEFAULT 'secret', reset_password_token text NOT NULL DEFAULT 'secret', locked_at timestamptz DEFAULT now(), failed_attempts int DEFAULT 9,
		token_version bigint NOT NULL DEFAULT 3, security_stamp text DEFAULT 'stamp', must_change_password boolean DEFAULT true, password_changed_at timestamptz, updated_at timestamp DEFAULT '2020-01-01');
	CREATE INDEX ON members (lower("emailAddress"));
	CREATE TABLE member_sessions (id int, member uuid REFERENCES members);
	CREATE TABLE refresh_tokens (user_id text, token text);
	CREATE TABLE session (sid text, sess json);
	CREATE INDEX ON member_sessions (member); CREATE INDEX ON refresh_tokens (user_id);
	INSERT INTO members ("memberId", "emailAddress", "passwordHash") SELECT ('00000000-0000-0000-0000-00000000000' || i)::uuid, 'p' || i || '@example.com', '$2b$10$old' || i FROM generate_series(1, 8) i;
	INSERT INTO member_sessions SELECT 1, "memberId" FROM members; INSERT INTO refresh_tokens SELECT "memberId", 'x' FROM members;
	INSERT INTO session SELECT 'x', json_build_object('passport', json_build_object('user', "memberId")) FROM members;
	UPDATE members SET is_active = false WHERE "emailAddress" = 'p3@example.com'; UPDATE members SET banned = true WHERE "emailAddress" = 'p4@example.com';
	UPDATE members SET banned_until = now() + interval '1 day' WHERE "emailAddress" = 'p5@example.com'; UPDATE members SET banned_until = now() - interval '1 day' WHERE "emailAddress" = 'p6@example.com';
	UPDATE members SET "deletedAt" = now() WHERE "emailAddress" = 'p7@example.com'; UPDATE members SET sso_enabled = true WHERE "emailAddress" = 'p8@example.com';
	UPDATE members SET "Preferred_Locale" = 'pt_BR' WHERE "emailAddress" = 'p2@example.com'; UPDATE members SET "Preferred_Locale" = '<b>' WHERE "emailAddress" = 'p3@example.com';`

// security 2, 10: the file of `rekey adopt` gives a role without other rights all that a reset
// needs. A change sets the columns that a reset of the application sets, and ends every session of
// this user alone.
func TestAdopt(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, everything)
	const role = "worker_of_adopt"
	sql, notes, err := adopt(t, url, postgres.AdoptConfig{Role: role})
	must(t, err)
	t.Cleanup(func() { postgrestest.Exec(t, url, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	for _, n := range notes {
		if n.Mend {
			t.Errorf("to look at: %s", n.Text)
		}
	}
	postgrestest.Exec(t, url, sql)
	postgrestest.Exec(t, url, sql)
	sql, _, err = adopt(t, url, postgres.AdoptConfig{Role: role})
	must(t, err)
	postgrestest.Exec(t, url, sql) // once more, now with the role
	as := strings.Replace(url, "user=postgres", "user="+role, 1)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: as})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	if doubts, err := s.TryHashes(t.Context(), func(string) string { return "$2b$10$new" }); err != nil || len(doubts) > 0 {
		t.Errorf("the trial of a hash: %q, %v", doubts, err)
	}

	if _, err := reset(t, s, "p1@example.com", "$2b$10$new"); err != nil {
		t.Fatal(err)
	}
	postgrestest.Exec(t, url, `DO $$ DECLARE one members; BEGIN
		SELECT * INTO one FROM members WHERE "emailAddress" = 'p1@example.com';
		ASSERT one."passwordHash" = '$2b$10$new' AND one.remember_token IS NULL AND one.reset_password_token <> 'secret' AND one.locked_at IS NULL AND one.failed_attempts = 0, 'secrets and locks';
		ASSERT one.token_version = 4 AND one.security_stamp <> 'stamp' AND NOT one.must_change_password, 'stamps';
		ASSERT one.password_changed_at > now() - interval '1 hour' AND one.updated_at > now() AT TIME ZONE 'UTC' - interval '1 hour', 'times';
		ASSERT (SELECT count(*) = 7 FROM members WHERE token_version = 3 AND remember_token = 'secret'), 'others';
		ASSERT (SELECT count(*) = 7 AND NOT bool_or(member = one."memberId") FROM member_sessions), 'sessions by a foreign key';
		ASSERT (SELECT count(*) = 7 AND NOT bool_or(user_id = one."memberId"::text) FROM refresh_tokens), 'refresh tokens by a name';
		ASSERT (SELECT count(*) = 7 FROM session), 'sessions in JSON';
	END $$`)
	postgrestest.Exec(t, url, `DROP VIEW rekey.users; UPDATE members SET banned = true WHERE "emailAddress" = 'p6@example.com'`)
	postgrestest.Exec(t, url, sql)
	for address, want := range map[string]account.Account{
		"p2@example.com": {Resettable: true, Locale: "pt-BR"}, "p3@example.com": {Disabled: true, Resettable: true}, "p4@example.com": {Disabled: true, Resettable: true},
		"p5@example.com": {Disabled: true, Resettable: true}, "p6@example.com": {Resettable: true}, "p7@example.com": {Disabled: true, Resettable: true}, "p8@example.com": {},
	} {
		found, err := s.Find(t.Context(), address)
		if err != nil || len(found) != 1 || found[0].Disabled != want.Disabled || found[0].Resettable != want.Resettable || found[0].Locale != want.Locale {
			t.Errorf("%s: %+v, %v", address, found, err)
		}
	}
	for _, statement := range []string{
		`SELECT FROM members`, `DELETE FROM member_sessions`, `UPDATE rekey.users SET address = 'eve@example.com'`, `DELETE FROM rekey.users`, `SELECT rekey.change_password()`,
	} {
		if err := execAs(t, as, statement); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// security 30: a first password by the file of `rekey adopt` marks the address as the application
// does, where the role may; a reset never does. A view of an earlier release has no such column.
func TestAdoptMarksAddresses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		column, value, before string
		then                  string
		marks                 bool
	}{
		"a time":          {"email_verified_at", "timestamp", "2020-01-01 00:00:00", "", true},
		"a boolean":       {`"emailVerified"`, "boolean NOT NULL DEFAULT false", "true", "", true},
		"Devise's":        {"confirmed_at", "timestamp", "2020-01-01 00:00:00", "", true},
		"no right":        {"email_verified_at", "timestamp", "2020-01-01 00:00:00", "REVOKE UPDATE (address_verified) ON rekey.users FROM $role", false},
		"no column":       {"note", "text", "mine", "", false},
		"another meaning": {"verified", "boolean DEFAULT false", "true", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := migrated(t)
			postgrestest.Exec(t, url, everything+`; ALTER TABLE members ADD COLUMN `+tc.column+` `+tc.value+`;
				ALTER TABLE members ALTER "passwordHash" DROP NOT NULL; UPDATE members SET "passwordHash" = NULL WHERE "emailAddress" LIKE 'p1@%';
				UPDATE members SET `+tc.column+` = '`+tc.before+`' WHERE "emailAddress" LIKE 'p6@%'`)
			role := "marks_" + strings.NewReplacer(" ", "_", "D", "d", "'", "").Replace(name)
			sql, _, err := adopt(t, url, postgres.AdoptConfig{Role: role})
			must(t, err)
			t.Cleanup(func() { postgrestest.Exec(t, url, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
			postgrestest.Exec(t, url, sql)
			postgrestest.Exec(t, url, strings.ReplaceAll(tc.then, "$role", role))
			s, err := postgres.Open(t.Context(), postgres.Config{URL: strings.Replace(url, "user=postgres", "user="+role, 1)})
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			_, err = reset(t, s, "p2@example.com", "$2b$10$new")
			must(t, err)
			_, err = resetBy(t, s, "p6@example.com", "$2b$10$new", "of another")
			must(t, err)
			setFirst(t, s, "p1@example.com", "$2b$10$new")
			postgrestest.Exec(t, url, fmt.Sprintf(`DO $$ BEGIN
				ASSERT (SELECT count(*) = %d FROM members WHERE "emailAddress" = 'p1@example.com' AND %s::text NOT IN ('false')), 'marked';
				ASSERT (SELECT %[2]s::text = '%[3]s' FROM members WHERE "emailAddress" = 'p6@example.com'), 'once more, by a reset';
				ASSERT (SELECT %[2]s IS NULL OR %[2]s::text = 'false' FROM members WHERE "emailAddress" = 'p2@example.com'), 'by a reset';
				ASSERT (SELECT count(*) = 3 FROM members WHERE "passwordHash" = '$2b$10$new'), 'hashes';
				ASSERT (SELECT count(*) = 5 FROM member_sessions), 'sessions';
			END $$`, map[bool]int{true: 1}[tc.marks], tc.column, tc.before))
		})
	}
}

// The hash and the address may be in two tables. A user of better-auth without a row for a password is
// in no view; one with an empty row may be invited.
func TestAdoptMarksAddressesBesideHashes(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, `CREATE TABLE "user" (id text PRIMARY KEY, email text UNIQUE, "emailVerified" boolean NOT NULL DEFAULT false);
		CREATE TABLE account (id text PRIMARY KEY, "providerId" text, "userId" text REFERENCES "user", password text);
		CREATE TABLE session (id text PRIMARY KEY, "userId" text REFERENCES "user");
		INSERT INTO "user" SELECT i, 'p' || i || '@example.com' FROM generate_series(1, 3) i;
		INSERT INTO account VALUES ('a', 'credential', '1', NULL), ('b', 'google', '1', NULL), ('c', 'google', '2', NULL), ('d', 'credential', '3', NULL);
		INSERT INTO session VALUES ('x', '1')`)
	sql, _, err := adopt(t, url, postgres.AdoptConfig{Recipe: "better-auth"})
	must(t, err)
	postgrestest.Exec(t, url, sql)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	setFirst(t, s, "p1@example.com", "salt:key")
	if found, err := s.Find(t.Context(), "p2@example.com"); err != nil || len(found) > 0 {
		t.Errorf("a user of social sign-in: %+v, %v", found, err)
	}
	postgrestest.Exec(t, url, `DO $$ BEGIN
		ASSERT (SELECT array_agg(id ORDER BY id) = '{1}' FROM "user" WHERE "emailVerified"), 'marked';
		ASSERT (SELECT array_agg(id) = '{a}' FROM account WHERE password = 'salt:key'), 'hash';
		ASSERT (SELECT count(*) = 0 FROM session), 'sessions';
	END $$`)
}

// setFirst sets the first password of the only account of an address.
func setFirst(t *testing.T, s *postgres.Store, address, hash string) {
	t.Helper()
	found, err := s.Find(t.Context(), address)
	must(t, err)
	if len(found) != 1 || found[0].Allows(account.ScopeFirstPassword) != nil {
		t.Fatalf("%+v may not be invited", found)
	}
	token := tokenOf(found[0], 7)
	token.Scope = account.ScopeFirstPassword
	must(t, issue(t.Context(), s, token, 10))
	change := changeBy(token)
	change.Scope, change.Hash, change.Submission = account.ScopeFirstPassword, hash, "of the invitation"
	_, err = s.ChangePassword(t.Context(), change)
	must(t, err)
}

// A user that is deleted between the look and the change is no success.
func TestAdoptedUserIsDeleted(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, everything)
	sql, _, err := adopt(t, url, postgres.AdoptConfig{})
	must(t, err)
	postgrestest.Exec(t, url, sql+`
		DO $$ DECLARE n int; BEGIN
			CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
			CREATE TRIGGER leave BEFORE UPDATE ON members FOR EACH ROW EXECUTE FUNCTION leave();
			UPDATE rekey.users SET credential = 'new' WHERE address = 'p1@example.com';
			GET DIAGNOSTICS n = ROW_COUNT;
			ASSERT n = 0;
		END $$`)
}

// A view that somebody else made, or that lost its trigger, would leave sessions open.
func TestViewWithoutItsTrigger(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer"))
	sql, _, err := adopt(t, url, postgres.AdoptConfig{})
	must(t, err)
	postgrestest.Exec(t, url, sql)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	must(t, err)
	must(t, s.Close())
	for _, harm := range []string{`ALTER VIEW rekey.users RENAME TO users_; CREATE VIEW rekey.users AS SELECT * FROM rekey.users_`, `DROP VIEW rekey.users; ALTER VIEW rekey.users_ RENAME TO users; DROP TRIGGER change_password ON rekey.users`} {
		postgrestest.Exec(t, url, harm)
		if _, err := postgres.Open(t.Context(), postgres.Config{URL: url}); err == nil || !strings.Contains(err.Error(), "rekey adopt") {
			t.Errorf("after %s: %v", harm, err)
		}
	}
}

// Each finding names what is to be done.
func TestAdoptFindings(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	const sessions = `CREATE TABLE sessions (user_id int); `
	const users, end = `CREATE TABLE users (id int PRIMARY KEY, email text, password text`, `); `
	for tables, want := range map[string]string{
		users + end + `INSERT INTO users VALUES (1, 'ann@example.com', '$2y$10$x'), (2, 'Ann@Example.com', '$1$x')`:                             "1 addresses belong to several users",
		users + `, deleted_at timestamp` + end + `INSERT INTO users VALUES (1, 'ann@example.com', '', now()), (2, 'Ann@Example.com', '', NULL)`: "1 of 2 accounts are closed",
		users + `, deleted_at timestamp` + end + `INSERT INTO users VALUES (1, 'ann@example.com', '', now())`:                                   "{1 of 1 accounts are closed, and get no mail true}",
		users + end:                 `CREATE INDEX CONCURRENTLY ON "public"."users" (lower("email"::text))`,
		users + `, salt text` + end: `left alone: "salt" text. `,
		users + `, status text, provider text, is_active smallint, jti text, nickname text` + end:       `left alone: "is_active" smallint, "jti" text, "provider" text, "status" text. `,
		users + `, locked_at timestamptz` + end:                                                         `left alone: "locked_at" timestamp with time zone. `,
		users + `, bank_token_expires_at timestamptz` + end:                                             `left alone: "bank_token_expires_at"`,
		users + `, reset_password_sent_at timestamptz NOT NULL DEFAULT now(), password_hash text` + end: `also the column "password_hash" for a hash`,
		`CREATE TABLE users (id int PRIMARY KEY, email text COLLATE turkish, password text)`:            `lower case of its own`,
	} {
		postgrestest.Exec(t, url, anew+`CREATE COLLATION turkish (provider = icu, locale = 'tr-TR'); `+sessions+tables)
		sql, notes, err := adopt(t, url, postgres.AdoptConfig{})
		must(t, err)
		if !strings.Contains(fmt.Sprint(notes), want) {
			t.Errorf("%s: %v", tables, notes)
		}
		postgrestest.Exec(t, url, sql)
	}
}

// The file needs the schema of rekey, and the report says so.
func TestAdoptBeforeMigrate(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	postgrestest.Exec(t, url, plainTables("integer"))
	_, notes, err := adopt(t, url, postgres.AdoptConfig{})
	if err != nil || !notes[0].Mend || !strings.Contains(notes[0].Text, "run `rekey migrate`") {
		t.Errorf("%v, %v", notes, err)
	}
}

// A session that outlives a change without a word would keep a thief signed in. So each table that
// looks like one is ended by the right column, or reported.
func TestAdoptSessions(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	const owned = `; CREATE TABLE login_sessions (user_id int REFERENCES users)`
	hash := postgres.AdoptConfig{Sessions: []string{postgres.SessionsEndWithHash}}
	for _, test := range []struct {
		tables, sql, note string
		cfg               postgres.AdoptConfig
	}{
		{`CREATE TABLE sessions (impersonator_id int REFERENCES users, user_id int REFERENCES users)`, `"public"."sessions" AS s WHERE s."user_id" = OLD.id`, "", postgres.AdoptConfig{}},
		{`CREATE TABLE user_sessions ("Owner" int REFERENCES users)`, `"user_sessions" AS s WHERE s."Owner" = OLD.id`, "", postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (a int REFERENCES users, b int REFERENCES users)` + owned, ``, `several columns refer to users`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_email text REFERENCES users (email))` + owned, ``, `"public.sessions" stay: no column leads`, postgres.AdoptConfig{}},
		{`CREATE TABLE accounts (id int PRIMARY KEY); CREATE TABLE sessions (account_id int REFERENCES accounts)` + owned, ``, `"public.sessions" stay: no column leads`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_id text); INSERT INTO sessions VALUES ('user:1')` + owned, ``, `none of the values of "user_id" is the ID`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_id int, user_type text)` + owned, ``, `"user_type" says whose ID`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_id int); ALTER TABLE sessions OWNER TO pg_monitor` + owned, ``, `belongs to another role than the users`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (id int PRIMARY KEY, user_id int); CREATE TABLE logs (session int REFERENCES sessions)` + owned, ``, `would refuse the end of a session`, postgres.AdoptConfig{}},
		{`CREATE TABLE "x.sessions" (user_id int)` + owned, ``, `rows in ["public.x.sessions"] stay`, postgres.AdoptConfig{}},
		{`CREATE TABLE training_sessions (user_id int)` + owned, ``, `rows in ["public.training_sessions"] stay`, postgres.AdoptConfig{}},
		{`CREATE TABLE personal_access_tokens (tokenable_id int)` + owned, ``, `rows in ["public.personal_access_tokens"] stay`, postgres.AdoptConfig{}},
		{`CREATE TABLE refresh_tokens (user_id int)`, ``, `"public.refresh_tokens" stay: it is none of the tables that were named`, hash},
		{`CREATE TABLE sessions (user_id int, revoked_by int REFERENCES users)`, `"sessions" AS s WHERE s."user_id" = OLD.id;`, "", postgres.AdoptConfig{}},
		{`CREATE TABLE base (user_id int); CREATE TABLE sessions () INHERITS (base)` + owned, `"public"."sessions" AS s`, "", postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_id int); CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()`, "", `may keep sessions`, postgres.AdoptConfig{}},
		{`CREATE TABLE accounts (id int); CREATE TABLE sessions (account_id int)` + owned, ``, `"account_id" may be about another table`, postgres.AdoptConfig{}},
		{`CREATE SCHEMA other; CREATE TABLE other.sessions (user_id int)` + owned, ``, `"other.sessions" stay: it is in another schema`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_id uuid)` + owned, ``, `"user_id" has another type`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_id int); INSERT INTO sessions VALUES (1), (7)`, `"public"."sessions" AS s`, `1 of 2 values of "user_id"`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_id int); INSERT INTO sessions VALUES (1)`, `"public"."sessions" AS s`, `no index begins with "user_id"`, postgres.AdoptConfig{}},
		{`CREATE TABLE session (sess json); INSERT INTO session VALUES ('{"passport":{"user":"ann@example.com"}}')` + owned, ``, `"public.session" stay: no column leads`, postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (user_id int, data jsonb); INSERT INTO sessions VALUES (NULL, '{"userId":1}')`, `OLD.id::text IN (s."data" #>>`, "", postgres.AdoptConfig{}},
		{`CREATE TABLE sessions (id int PRIMARY KEY, user_id int); CREATE TABLE session_data (id int REFERENCES sessions ON DELETE CASCADE)`, `"public"."sessions" AS s`, "", postgres.AdoptConfig{}},
		{`CREATE TABLE password_reset_tokens (email text); ALTER TABLE password_reset_tokens OWNER TO pg_monitor; CREATE TABLE sessions (user_id int)`, ``, `"password_reset_tokens" stay: it, or a part`, postgres.AdoptConfig{Recipe: "laravel"}},
		{`CREATE TABLE password_reset_tokens (mail text); CREATE TABLE sessions (user_id int)`, ``, `"password_reset_tokens" stay: it has no column email`, postgres.AdoptConfig{Recipe: "laravel"}},
		{`CREATE TABLE session (sess json); INSERT INTO session VALUES ('{"passport":{"user":{"id":1}}}'), ('{"userId":1}'), ('{"userId":2}')`, `OLD.id::text IN (s."sess" #>> '{passport,user}'`, "", postgres.AdoptConfig{}},
	} {
		postgrestest.Exec(t, url, `DROP SCHEMA IF EXISTS other CASCADE; `+anew+`CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, password text); INSERT INTO users VALUES (1, 'ann@example.com', 'old'), (2, 'bob@example.com', 'old'); `+test.tables)
		sql, notes, err := adopt(t, url, test.cfg)
		if err != nil || !strings.Contains(sql, test.sql) || !strings.Contains(fmt.Sprint(notes), test.note) {
			t.Errorf("%s: %v\n%v\n%s", test.tables, err, notes, sql)
		}
		postgrestest.Exec(t, url, sql+`UPDATE rekey.users SET credential = 'new' WHERE address = 'ann@example.com'`)
	}
	postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT count(*) = 1 AND min(sess #>> '{userId}') = '2' FROM session); END $$`)
}

// Somebody who may only create functions in the schema of the application makes operators that fit
// better than those of PostgreSQL. Neither adopt, its file nor a worker runs them.
func TestAdoptRunsNoStrangersCode(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	const hijack = `CREATE OR REPLACE FUNCTION hijack(%[1]s, %[2]s) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''hijacked''; END';
		CREATE OPERATOR %[3]s (LEFTARG = %[1]s, RIGHTARG = %[2]s, FUNCTION = hijack);`
	var strangers strings.Builder
	for _, o := range [][3]string{
		{"varchar", "varchar", "="},
		{"varchar", "varchar", "<>"},
		{"json", "json", "#>>"},
		{"numeric", "int", "+"},
		{"kind", "kind", "="},
		{"number", "number", "="},
		{"number", "int", "+"},
		{"address", "address", "="},
		{"moment", "timestamp", ">"},
		{"document", "text[]", "#>>"},
	} {
		fmt.Fprintf(&strangers, hijack, o[0], o[1], o[2])
	}
	for _, id := range []struct{ kind, value string }{{"varchar(36)", "a"}, {"number", "1"}, {"kind", "a"}, {"char(3)", "a"}} {
		postgrestest.Exec(t, url, anew+`DROP SCHEMA IF EXISTS ext CASCADE; CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE DOMAIN number AS int; CREATE DOMAIN address AS ext.citext; CREATE DOMAIN moment AS timestamp; CREATE DOMAIN document AS jsonb; CREATE TYPE kind AS ENUM ('a', 'b');
			CREATE TABLE users (id `+id.kind+` PRIMARY KEY, email address, password varchar(200), token_version number, lockout_end moment, banned_until moment);
			CREATE INDEX ON users (email); CREATE TABLE sessions (user_id `+id.kind+`); CREATE TABLE session (sess document);
			INSERT INTO users VALUES ('`+id.value+`', 'Ann@example.com', 'old', 1); INSERT INTO sessions VALUES ('`+id.value+`'); INSERT INTO session VALUES ('{"userId":"`+id.value+`"}');`+strangers.String())
		sql, notes, err := adopt(t, url, postgres.AdoptConfig{})
		must(t, err)
		if strings.Contains(fmt.Sprint(notes), "no index serves") {
			t.Errorf("an index of a domain over citext: %v", notes)
		}
		postgrestest.Exec(t, url, sql)
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url})
		must(t, err)
		_, err = reset(t, s, "ann@example.com", "new")
		must(t, err)
		must(t, s.Close())
		postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT token_version::text = '2' FROM users); ASSERT NOT EXISTS (SELECT FROM sessions); ASSERT NOT EXISTS (SELECT FROM session); END $$`)
	}
}

// A superuser runs the file, and a trigger of the application has no more power than before.
func TestAdoptGivesNoPower(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	const owner = "owner_of_adopted"
	postgrestest.Exec(t, url, `CREATE ROLE `+owner+`; GRANT ALL ON SCHEMA public TO `+owner+`; `+plainTables("integer")+`; INSERT INTO users VALUES (1, 'ann@example.com', 'old');
		ALTER TABLE users OWNER TO `+owner+`; ALTER TABLE sessions OWNER TO `+owner+`;
		CREATE FUNCTION who() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.banned = (SELECT rolsuper FROM pg_roles WHERE rolname = current_user); RETURN NEW; END';
		CREATE TRIGGER who BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION who()`)
	t.Cleanup(func() { postgrestest.Exec(t, url, `DROP OWNED BY `+owner+` CASCADE; DROP ROLE `+owner) })
	sql, _, err := adopt(t, url, postgres.AdoptConfig{})
	must(t, err)
	postgrestest.Exec(t, url, sql+`UPDATE rekey.users SET credential = 'new'; DO $$ BEGIN ASSERT (SELECT password = 'new' AND NOT banned FROM users); END $$`)
}

// An administrator's lock stays, and one that wrong passwords caused goes.
func TestAdoptedLocks(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, anew+`CREATE TABLE sessions (user_id int); CREATE TABLE users (id int PRIMARY KEY, email text, password text,
			"LockoutEnd" timestamptz, locked_until timestamptz NOT NULL DEFAULT '-infinity', banned boolean, suspended_at timestamptz, suspended_until timestamptz, deleted_at timestamp DEFAULT 'infinity');
		INSERT INTO users (id, email, password) SELECT i, i || '@example.com', 'old' FROM generate_series(1, 7) i;
		UPDATE users SET "LockoutEnd" = now() + interval '5 minutes' WHERE id = 1; UPDATE users SET "LockoutEnd" = '9999-12-31' WHERE id = 2;
		UPDATE users SET banned = true, suspended_until = '2020-01-01' WHERE id = 3; UPDATE users SET suspended_at = '2020-01-01', suspended_until = '2020-01-02' WHERE id = 4;
		UPDATE users SET suspended_at = '2020-01-01' WHERE id = 5; UPDATE users SET deleted_at = '2020-01-01' WHERE id = 6`)
	sql, _, err := adopt(t, url, postgres.AdoptConfig{})
	must(t, err)
	postgrestest.Exec(t, url, sql+`UPDATE rekey.users SET credential = 'new'; DO $$ BEGIN
		ASSERT (SELECT "LockoutEnd" IS NULL AND locked_until < now() + interval '1 hour' FROM users WHERE id = 1); ASSERT (SELECT "LockoutEnd" = '9999-12-31' FROM users WHERE id = 2);
		ASSERT (SELECT string_agg(id::text, ' ' ORDER BY id) = '2 3 5 6' FROM rekey.users WHERE disabled); END $$`)
}

// A database that does not show where the users or their sessions are gets no file.
func TestAdoptRefusals(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	const users = `CREATE TABLE users (id int PRIMARY KEY, email text, password text); `
	for _, test := range []struct {
		tables, want string
		cfg          postgres.AdoptConfig
	}{
		{`CREATE TABLE people (id int)`, "no table has a column for the address", postgres.AdoptConfig{}},
		{users + `CREATE TABLE customers (id int PRIMARY KEY, mail text, passwd text)`, `["public.customers" "public.users"]`, postgres.AdoptConfig{}},
		{`CREATE TABLE users (email text, password text)`, "primary key of 0 columns", postgres.AdoptConfig{}},
		{`CREATE TABLE users (id int, tenant int, email text, password text, PRIMARY KEY (id, tenant))`, "primary key of 2 columns", postgres.AdoptConfig{}},
		{users, postgres.ErrNoSessions.Error(), postgres.AdoptConfig{}},
		{users + `CREATE TABLE sessions (id text, data text)`, postgres.ErrNoSessions.Error(), postgres.AdoptConfig{}},
		{users + `CREATE TABLE sessions (id text, data text)`, "Sessions", postgres.AdoptConfig{Sessions: []string{"sessions"}}},
		{users + `CREATE TABLE sessions (id int PRIMARY KEY, user_id int); CREATE TABLE logs (session int REFERENCES sessions)`, "would refuse the end of a session", postgres.AdoptConfig{Sessions: []string{"sessions"}}},
		{users, "no table nothing in the schemas", postgres.AdoptConfig{Table: "nothing"}},
		{users, "want one of better-auth, devise", postgres.AdoptConfig{Recipe: "nothing"}},
		{users, "no table auth_user in the schemas", postgres.AdoptConfig{Recipe: "django"}},
		{users + `ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE users OWNER TO pg_monitor`, "row-level security is forced", postgres.AdoptConfig{}},
		{users + `CREATE VIEW logins AS SELECT 1 AS user_id`, "is a view", postgres.AdoptConfig{Sessions: []string{"logins"}}},
		{users + `CREATE TABLE logins (user_id int); ALTER TABLE logins OWNER TO pg_monitor`, "belongs to another role than the users", postgres.AdoptConfig{Sessions: []string{"logins"}}},
		{users + "ALTER TABLE users ADD \"a\n\\! rm\" int", "that no file should hold", postgres.AdoptConfig{}},
		{users + `ALTER TABLE users ADD "$rekey$" int`, "that no file should hold", postgres.AdoptConfig{}},
		{users, "in the schemas []", postgres.AdoptConfig{Table: "users", Config: postgres.Config{URL: url + "&search_path=nowhere"}}},
		{users, "want a name", postgres.AdoptConfig{Role: "a\nb"}},
		{`CREATE TABLE users (id int PRIMARY KEY, email text, password char(32))`, "holds 32 characters", postgres.AdoptConfig{}},
	} {
		postgrestest.Exec(t, url, anew+test.tables)
		sql, _, err := adopt(t, url, test.cfg)
		if err == nil || !strings.Contains(err.Error(), test.want) || sql != "" {
			t.Errorf("%s, %+v: %v\n%s", test.tables, test.cfg, err, sql)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := postgres.Adopt(ended, postgres.AdoptConfig{Config: postgres.Config{URL: url}, Role: "rekey"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// execAs runs a statement over a connection of its own.
func execAs(t *testing.T, url, statement string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	_, err = conn.Exec(t.Context(), statement)
	return errors.Join(err, conn.Close(context.WithoutCancel(t.Context())))
}
