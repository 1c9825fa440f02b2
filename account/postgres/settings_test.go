package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// A wrong setting is found when the worker starts, and named.
func TestWrongUsers(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; CREATE TABLE short (id int, email text, password varchar(59), changed_at date, n int);
		CREATE VIEW grouped AS SELECT max(id) AS id, email, max(password) AS password, max(changed_at) AS changed_at FROM users GROUP BY email; CREATE SEQUENCE counter`)
	for _, test := range []struct {
		change        func(*postgres.Users)
		setting, want string
	}{
		{func(u *postgres.Users) { u.Table = "user" }, "Table", "no table user"},
		{func(u *postgres.Users) { u.Table = "Users" }, "Table", "case matters"},
		{func(u *postgres.Users) { u.Table = "other.users" }, "Table", "no table other.users"},
		{func(u *postgres.Users) { u.Table = "a.b.users" }, "Table", "schema.name"},
		{func(u *postgres.Users) { u.Table = "users; DROP TABLE users" }, "Table", "no table"},
		{func(u *postgres.Users) { u.Table = `users"; DROP TABLE users; --` }, "Table", "no table"},
		{func(u *postgres.Users) { u.Table = "users." }, "Table", "at most 63"},
		{func(u *postgres.Users) { u.Table = strings.Repeat("u", 64) }, "Table", "at most 63"},
		{func(u *postgres.Users) { u.Table = "us\x00ers" }, "Table", "at most 63"},
		{func(u *postgres.Users) { u.Table = "" }, "Table", "missing"},
		{func(u *postgres.Users) { u.Table = "counter" }, "Table", "neither a table nor a view"},
		{func(u *postgres.Users) { u.Table, u.Disabled = "grouped", "" }, "Password", "cannot be updated"},
		{func(u *postgres.Users) { u.ID = "uid" }, "ID", `no column "uid"`},
		{func(u *postgres.Users) { u.ID = `id" OR true --` }, "ID", "no column"},
		{func(u *postgres.Users) { u.ID = "" }, "ID", "missing"},
		{func(u *postgres.Users) { u.Email = "mail" }, "Email", `no column "mail"`},
		{func(u *postgres.Users) { u.Email = "id" }, "Email", "of the type integer; want text"},
		{func(u *postgres.Users) { u.Password = "hash" }, "Password", `no column "hash"`},
		{func(u *postgres.Users) { u.Password = "banned" }, "Password", "of the type boolean; want text"},
		{func(u *postgres.Users) { u.Table, u.Disabled = "short", "" }, "Password", "holds 59 characters"},
		{func(u *postgres.Users) { u.Disabled = "email" }, "Disabled", "want boolean or timestamp"},
		{func(u *postgres.Users) { u.Disabled = "locked" }, "Disabled", "no column"},
		{func(u *postgres.Users) { u.Resettable = "changed_at" }, "Resettable", "want boolean"},
		{func(u *postgres.Users) { u.Locale = "changed_at" }, "Locale", "want text"},
		{func(u *postgres.Users) { u.Notify = "banned" }, "Notify", "want text or text[]"},
		{func(u *postgres.Users) { u.ChangedAt = "email" }, "ChangedAt", "want timestamp"},
		{func(u *postgres.Users) { u.ChangedAt = "changed" }, "ChangedAt", "no column"},
		{func(u *postgres.Users) { u.Sessions = "session" }, "Sessions", "no table session"},
		{func(u *postgres.Users) { u.Sessions = "a.b.c" }, "Sessions", "schema.name"},
		{func(u *postgres.Users) { u.Sessions, u.ChangedAt = "", "changed_at" }, "Sessions", "missing"},
		{func(u *postgres.Users) { u.SessionsUser = "" }, "SessionsUser", "missing"},
		{func(u *postgres.Users) { u.SessionsUser = "who" }, "SessionsUser", `no column "who"`},
	} {
		users := plainUsers()
		users.Disabled = "banned"
		test.change(&users)
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url, Users: &users})
		if err == nil {
			must(t, s.Close())
		}
		wrong, ok := errors.AsType[*postgres.SettingError](err)
		if !ok || wrong.Setting != test.setting || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %q: %v", test.setting, test.want, err)
		}
	}
	postgrestest.Exec(t, url, "SELECT FROM users")
}

// security 17: sessions that would outlive a change are refused at the start.
func TestUsersWithoutSessions(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer"))
	users := plainUsers()
	users.Sessions, users.SessionsUser = "", ""
	if _, err := postgres.Open(t.Context(), postgres.Config{URL: url, Users: &users}); !errors.Is(err, postgres.ErrNoSessions) {
		t.Errorf("error %v", err)
	}
	users.ChangedAt = "changed_at"
	must(t, openUsers(t, url, users).Record(t.Context(), entry()))
}

// A worker needs no more of the application's tables than this.
func TestGrantsForATableOfUsers(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; INSERT INTO users VALUES (1, 'ann@example.com', 'old'); INSERT INTO sessions VALUES (1);
		ALTER TABLE users ADD private text`)
	users := plainUsers()
	users.ChangedAt = "changed_at"
	const ours = `GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.tokens, rekey.mails, rekey.begun, rekey.submissions TO $user;
		GRANT INSERT ON rekey.audit TO $user; GRANT SELECT ON rekey.goose_db_version TO $user;`
	var s *postgres.Store
	for _, step := range []struct{ grant, setting, lacks string }{
		{ours, "Table", "SELECT"},
		{"GRANT SELECT (id, email, password) ON users TO $user", "Password", "UPDATE"},
		{"GRANT UPDATE (password) ON users TO $user", "Password", "UPDATE"},
		{"GRANT UPDATE (changed_at) ON users TO $user", "Sessions", "SELECT and DELETE"},
		{"GRANT DELETE ON sessions TO $user", "Sessions", "SELECT and DELETE"},
		{"GRANT SELECT (user_id) ON sessions TO $user", "", ""},
	} {
		var err error
		s, err = tryAs(t, url, &users, step.grant)
		wrong, ok := errors.AsType[*postgres.SettingError](err)
		if ok != (step.lacks != "") || ok && (wrong.Setting != step.setting || !strings.Contains(err.Error(), step.lacks)) {
			t.Errorf("%s: %v", step.grant, err)
		}
	}
	if s == nil {
		t.FailNow()
	}
	defer s.Close()
	_, err := reset(t, s, "ann@example.com", "new")
	must(t, err)
}

// A view without rows for this user looks like a wrong table. The operator of a worker can
// tell.
func TestNobodyIsSeen(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; INSERT INTO users VALUES (1, 'ann@example.com', 'old');
		CREATE VIEW people AS SELECT * FROM users WHERE current_user = 'postgres'`)
	users := plainUsers()
	users.Table = "people"
	hidden, err := tryAs(t, url, &users, `GRANT ALL ON ALL TABLES IN SCHEMA rekey, public TO $user`)
	must(t, err)
	defer hidden.Close()
	for want, s := range map[bool]*postgres.Store{false: hidden, true: openUsers(t, url, users)} {
		if some, err := s.HasAccounts(context.WithoutCancel(t.Context())); err != nil || some != want {
			t.Errorf("some: %v, %v, want %v", some, err, want)
		}
	}
}

// security 17: a session that row-level security hides would outlive a change, which would
// not even fail. A policy for some rows is no better; a user whom it does not bind is.
func TestRowSecurity(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; INSERT INTO users VALUES (1, 'ann@example.com', 'old'); INSERT INTO sessions VALUES (1, 'mine'), (1, 'hidden')`)
	users := plainUsers()
	for _, step := range []struct{ change, setting string }{
		{`GRANT ALL ON ALL TABLES IN SCHEMA rekey, public TO $user; ALTER TABLE users ENABLE ROW LEVEL SECURITY`, "Table"},
		{`ALTER TABLE users DISABLE ROW LEVEL SECURITY; ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
			CREATE POLICY p ON sessions USING (data = 'mine')`, "Sessions"},
		{`ALTER ROLE $user BYPASSRLS`, ""},
	} {
		s, err := tryAs(t, url, &users, step.change)
		wrong, ok := errors.AsType[*postgres.SettingError](err)
		if ok != (step.setting != "") || ok && (wrong.Setting != step.setting || !strings.Contains(err.Error(), "BYPASSRLS")) {
			t.Errorf("%s: %v", step.change, err)
		}
		if err == nil {
			defer s.Close()
			_, err := reset(t, s, "ann@example.com", "new")
			must(t, err)
		}
	}
	postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT password FROM users) = 'new'; ASSERT NOT EXISTS (SELECT FROM sessions); END $$`)
}

// The rights that the documents name are enough for rekey's own tables.
func TestGrantsInTheDocuments(t *testing.T) {
	t.Parallel()
	block := grants(t, "The worker needs less")
	url := migrated(t)
	postgrestest.Exec(t, url, `INSERT INTO rekey.accounts (id, address, credential) VALUES (1, 'ann@example.com', 'old')`)
	postgrestest.Exec(t, url, block)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: strings.Replace(url, "user=postgres", "user=rekey", 1)})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	_, err = reset(t, s, "ann@example.com", "new")
	must(t, err)
	must(t, s.Record(t.Context(), entry()))
	must(t, s.RevokeToken(t.Context(), [32]byte{1}, noon))
	_, err = s.Sweep(t.Context(), noon.AddDate(1, 0, 0))
	must(t, err)
	_, err = s.SweepAudit(t.Context(), noon.AddDate(1, 0, 0), time.Hour)
	must(t, err)
	if _, err := s.Audit(t.Context(), "1"); err == nil {
		t.Error("the worker reads the audit log")
	}
}
