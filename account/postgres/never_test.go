package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// A change that the tables never take is refused at the first try, audited, and leaves the
// account as it was. When the tables were mended, the same submission is applied.
func TestChangeThatIsNeverTaken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ breaks, mends, says string }{
		"foreign key": {
			`ALTER TABLE pushes ADD CONSTRAINT late FOREIGN KEY (session_id) REFERENCES sessions`,
			`ALTER TABLE pushes DROP CONSTRAINT late`, "23503",
		},
		"foreign key at the commit": {
			`ALTER TABLE pushes ADD CONSTRAINT late FOREIGN KEY (session_id) REFERENCES sessions DEFERRABLE INITIALLY DEFERRED`,
			`ALTER TABLE pushes DROP CONSTRAINT late`, "23503",
		},
		"check": {
			`ALTER TABLE users ADD CONSTRAINT c CHECK (password NOT LIKE '%new')`,
			`ALTER TABLE users DROP CONSTRAINT c`, "23514",
		},
		"length": {
			`ALTER TABLE users ALTER password TYPE varchar(13)`,
			`ALTER TABLE users ALTER password TYPE text`, "widen it, or drop --upgrade-hash (SQLSTATE 22001)",
		},
		"trigger that raises": {
			`CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not %', NEW.password; END$$; CREATE TRIGGER no BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION no()`,
			`DROP TRIGGER no ON users`, "a trigger or a function of the application refuses the new value: let it accept the hash that rekey writes (SQLSTATE P0001)",
		},
		"view with a check": {
			`ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people WHERE password NOT LIKE '%new' WITH CHECK OPTION`,
			`DROP VIEW users; ALTER TABLE people RENAME TO users`, "WITH CHECK OPTION refuses the new row (SQLSTATE 44000)",
		},
		"trigger": {
			`CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER no BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION no()`,
			`DROP TRIGGER no ON users`, "trigger",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := migrated(t)
			postgrestest.Exec(t, url, `CREATE TABLE users (id integer PRIMARY KEY, email text, password text);
				CREATE TABLE sessions (id integer PRIMARY KEY, user_id integer REFERENCES users); CREATE TABLE pushes (session_id integer);
				INSERT INTO users VALUES (1, 'ann@example.com', '$argon2id$old'); INSERT INTO sessions VALUES (7, 1); INSERT INTO pushes VALUES (7)`)
			s := openUsers(t, url, plainUsers())
			token := tokenOf(account.Account{ID: "1", Address: "ann@example.com", Credential: "$argon2id$old"}, 1)
			must(t, issue(t.Context(), s, token, 10))
			change := changeBy(token)
			change.Hash = "$argon2id$renew"
			postgrestest.Exec(t, url, test.breaks)
			_, err := s.ChangePassword(t.Context(), change)
			if !errors.Is(err, account.ErrRefused) || !errors.Is(err, account.ErrNeverTaken) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v", err)
			}
			log, err := s.Audit(t.Context(), "1")
			must(t, err)
			if last := log[len(log)-1]; last.Event != account.EventChangeRefused || !strings.Contains(last.Detail, test.says) {
				t.Errorf("the audit log ends with %+v", last)
			}
			postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT password = '$argon2id$old' FROM users); ASSERT EXISTS (SELECT FROM sessions); END $$`)
			postgrestest.Exec(t, url, test.mends)
			_, err = s.ChangePassword(t.Context(), change)
			must(t, err)
			postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT password = '$argon2id$renew' FROM users); ASSERT NOT EXISTS (SELECT FROM sessions); END $$`)
		})
	}
}

// A revoked right and a missing column are faults that are retried, and the check of the store
// reports them.
func TestWhatGoesAwayIsAFault(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; INSERT INTO users VALUES (1, 'ann@example.com', 'old')`)
	s := openUsers(t, url, plainUsers())
	must(t, s.Check(t.Context()))
	postgrestest.Exec(t, url, `ALTER TABLE users RENAME password TO secret`)
	if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "42703") {
		t.Errorf("check: %v", err)
	}
	token := tokenOf(account.Account{ID: "1", Address: "ann@example.com", Credential: "old"}, 1)
	must(t, issue(t.Context(), s, token, 10))
	if _, err := s.ChangePassword(t.Context(), changeBy(token)); err == nil || errors.Is(err, account.ErrRefused) {
		t.Errorf("change: %v", err)
	}
}

// A right that is taken away is a fault, too, and no refusal of a password.
func TestRevokedRightIsAFault(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; INSERT INTO users VALUES (1, 'ann@example.com', 'old')`)
	users := plainUsers()
	s, err := tryAs(t, url, &users, `GRANT SELECT, UPDATE, INSERT, DELETE ON ALL TABLES IN SCHEMA public, rekey TO $user; GRANT USAGE ON ALL SEQUENCES IN SCHEMA rekey TO $user`)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	must(t, s.Check(t.Context()))
	token := tokenOf(account.Account{ID: "1", Address: "ann@example.com", Credential: "old"}, 1)
	must(t, issue(t.Context(), s, token, 10))
	postgrestest.Exec(t, url, `REVOKE UPDATE ON users FROM `+roleOf(url))
	if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("check: %v", err)
	}
	if _, err := s.ChangePassword(t.Context(), changeBy(token)); err == nil || errors.Is(err, account.ErrRefused) {
		t.Errorf("change: %v", err)
	}
}

// Sessions that another table keeps are reported when the worker starts.
func TestSessionsThatCannotEnd(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	for keys, refused := range map[string]bool{
		`CREATE TABLE pushes (session_id integer REFERENCES sessions)`:                                                                                                   true,
		`CREATE TABLE pushes (session_id integer REFERENCES sessions ON DELETE RESTRICT)`:                                                                                true,
		`CREATE TABLE pushes (session_id integer REFERENCES sessions DEFERRABLE INITIALLY DEFERRED)`:                                                                     true,
		`CREATE TABLE pushes (id integer PRIMARY KEY, session_id integer REFERENCES sessions ON DELETE CASCADE); CREATE TABLE shown (push_id integer REFERENCES pushes)`: true,
		`CREATE TABLE pushes (session_id integer REFERENCES sessions ON DELETE CASCADE)`:                                                                                 false,
		`CREATE TABLE pushes (session_id integer REFERENCES sessions ON DELETE SET NULL)`:                                                                                false,
		`ALTER TABLE sessions ADD parent integer REFERENCES sessions`:                                                                                                    false,
		`CREATE TABLE pushes (user_id integer REFERENCES users)`:                                                                                                         false,
		`CREATE TABLE pushes (session_id integer REFERENCES sessions); CREATE FUNCTION clear() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
			CREATE TRIGGER clear BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION clear()`: false,
	} {
		postgrestest.Exec(t, url, anew+`CREATE TABLE users (id integer PRIMARY KEY, email text, password text);
			CREATE TABLE sessions (id integer PRIMARY KEY, user_id integer REFERENCES users); `+keys)
		users := plainUsers()
		s, err := postgres.Open(t.Context(), postgres.Config{URL: url, Users: &users})
		if err == nil {
			must(t, s.Close())
		}
		wrong, ok := errors.AsType[*postgres.SettingError](err)
		if ok != refused || ok && (wrong.Setting != "Sessions" || !strings.Contains(err.Error(), "ON DELETE CASCADE")) {
			t.Errorf("%s: %v", keys, err)
		}
	}
}
