package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

const (
	bcryptSample = "$2y$12$uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
	argonSample  = "$argon2id$v=19$m=19456,t=2,p=1$uuuuuuuuuuuuuuuuuuuuuu$uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
)

// asUpgraded is the hash of a worker with and without --upgrade-hash argon2id.
func asUpgraded(string) string { return argonSample }

func asStored(stored string) string {
	switch {
	case strings.HasPrefix(stored, "$2y$"):
		return bcryptSample
	case strings.HasPrefix(stored, "$argon2id$"):
		return argonSample
	}
	return ""
}

// taken fails when the tables do not take a hash, or it is in doubt.
func taken(t *testing.T, s *postgres.Store, like func(string) string) {
	t.Helper()
	doubts, err := s.TryHashes(t.Context(), like)
	must(t, err)
	if len(doubts) > 0 {
		t.Error(doubts)
	}
}

// untouched are tables with three owners, an account without a password and some that are
// locked, and a log of triggers.
const untouched = `CREATE TABLE users (id integer PRIMARY KEY, email text, password text, locked boolean DEFAULT false);
	CREATE TABLE sessions (user_id integer); CREATE TABLE seen (hash text);
	INSERT INTO users VALUES (1, 'ann@example.com', '$2y$12$old', false), (2, 'bob@example.com', '$2y$10$old', false), (3, 'carol@example.com', '!', false),
		(4, 'dave@example.com', '$argon2id$old', true), (5, 'erin@example.com', '$argon2id$old', true), (6, 'finn@example.com', '$argon2id$old', true),
		(7, 'gail@example.com', '$2y$12$old', false);`

// Tables that refuse the new hashes are found when the worker starts. The error names the
// obstacle; every row stays unchanged.
func TestTablesThatTakeNoHash(t *testing.T) {
	t.Parallel()
	const trigger = `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN %; END$$; CREATE TRIGGER f BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()`
	raises := func(body string) string { return strings.Replace(trigger, "%", body, 1) }
	for name, test := range map[string]struct {
		tables string
		like   func(string) string
		says   []string // none for tables that take it
	}{
		"all is well":                 {``, asStored, nil},
		"upgrade":                     {``, asUpgraded, nil},
		"check of the old form":       {`ALTER TABLE users ADD CONSTRAINT form CHECK (password NOT LIKE '$argon%') NOT VALID`, asUpgraded, []string{`"password"`, `constraint "form"`, "table users", "23514"}},
		"check of the form, kept":     {`ALTER TABLE users ADD CONSTRAINT form CHECK (password NOT LIKE '$argon%') NOT VALID`, asStored, nil},
		"check of the costs":          {`ALTER TABLE users ADD CONSTRAINT costs CHECK (password NOT LIKE '$2y$12$u%')`, asStored, []string{`constraint "costs"`}},
		"domain":                      {`CREATE DOMAIN hash AS text CONSTRAINT bcrypt CHECK (VALUE NOT LIKE '$argon2id$v%'); ALTER TABLE users ALTER password TYPE hash`, asUpgraded, []string{`constraint "bcrypt"`, "type hash"}},
		"column for bcrypt":           {`ALTER TABLE users ALTER password TYPE varchar(60)`, asStored, nil},
		"column for bcrypt, upgraded": {`ALTER TABLE users ALTER password TYPE varchar(60)`, asUpgraded, []string{"holds 60 characters", "has 97", "widen it, or drop --upgrade-hash"}},
		"column too short, empty":     {`DELETE FROM users; ALTER TABLE users ALTER password TYPE varchar(90)`, asUpgraded, []string{"holds 90 characters"}},
		"column too short for some":   {`UPDATE users SET locked = false; ALTER TABLE users ALTER password TYPE varchar(60)`, asStored, []string{"22001", "97 characters"}},
		"view with a check":           {`ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people WHERE password NOT LIKE '$argon2id$v%' WITH CHECK OPTION`, asUpgraded, []string{"44000"}},
		"trigger that raises":         {raises(`RAISE 'not %', NEW.password`), asStored, []string{"P0001"}},
		"trigger that drops":          {raises(`RETURN NULL`), asStored, []string{"trigger or a rule"}},
		"trigger against one account": {raises(`IF NEW.id = 1 THEN RAISE 'not this one'; END IF; RETURN NEW`), asStored, nil},
		"trigger at the end": {`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
			CREATE CONSTRAINT TRIGGER f AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f()`, asStored, []string{"P0001"}},
		"trigger that logs": {raises(`INSERT INTO seen VALUES (NEW.password); PERFORM pg_notify('changed', 'x'); RETURN NEW`), asStored, nil},
		"trigger that asks": {raises(`IF current_setting('rekey.trial') <> 'on' THEN RAISE 'no trial'; END IF; RETURN NEW`), asStored, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := migrated(t)
			postgrestest.Exec(t, url, untouched+test.tables)
			c := connect(t, url)
			before := c.rows()
			users := plainUsers()
			users.Disabled = "locked"
			doubts, err := openUsers(t, url, users).TryHashes(t.Context(), test.like)
			if len(doubts) > 0 {
				t.Error(doubts)
			}
			wrong, ok := errors.AsType[*postgres.SettingError](err)
			if ok != (test.says != nil) || ok && wrong.Setting != "Password" || !ok && err != nil {
				t.Fatalf("error %v", err)
			}
			for _, want := range test.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
			if ok && strings.Contains(err.Error(), "uuu") {
				t.Errorf("the error shows a hash: %v", err)
			}
			if after := c.rows(); after != before {
				t.Errorf("a trial is left:\n%s\n%s", before, after)
			}
		})
	}
}

// A refusal of some accounts, or of each for another reason than its hash, keeps no worker from
// starting. It is a doubt, which names the cause.
func TestTablesThatMayTakeNoHash(t *testing.T) {
	t.Parallel()
	const refuses = `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF %s THEN RAISE 'no'; END IF; RETURN NEW; END$$; CREATE TRIGGER f BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()`
	for name, test := range map[string]struct {
		tables string
		doubt  []string // none when the first account that is taken says enough
	}{
		"the oldest of many":            {fmt.Sprintf(refuses, `NEW.id <= 50`), nil},
		"the oldest, another column":    {`UPDATE users SET email = 'legacy' || id WHERE id <= 3; ALTER TABLE users ADD CONSTRAINT at CHECK (email LIKE '%@%') NOT VALID`, nil},
		"all, another column":           {`ALTER TABLE users ADD CONSTRAINT at CHECK (email LIKE '%@%.org') NOT VALID`, []string{`constraint "at" of the table users`, "another reason than the hash", "23514"}},
		"all, another column is null":   {`CREATE TABLE log (what text NOT NULL); CREATE RULE r AS ON UPDATE TO users DO ALSO INSERT INTO log VALUES (NULL)`, []string{`column "what" of the table log`, "another reason", "23502"}},
		"one of a kind":                 {`UPDATE users SET password = '$argon2id$old' WHERE id = 1;` + fmt.Sprintf(refuses, `NEW.id = 1`), []string{`"password" does not take`, "97 characters", "P0001"}},
		"two of a kind, its constraint": {`UPDATE users SET password = '$argon2id$old' WHERE id <= 2; ALTER TABLE users ADD CONSTRAINT kind CHECK (password LIKE '$2y$%') NOT VALID`, []string{`constraint "kind"`, "does not take"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := migrated(t)
			postgrestest.Exec(t, url, `CREATE TABLE users (id integer PRIMARY KEY, email text, password text); CREATE TABLE sessions (user_id integer);
				INSERT INTO users SELECT i, 'u' || i || '@example.com', '$2y$12$old' FROM generate_series(1, 90) i;`+test.tables)
			doubts, err := openUsers(t, url, plainUsers()).TryHashes(t.Context(), asStored)
			must(t, err)
			if (len(doubts) == 1) != (test.doubt != nil) {
				t.Fatalf("doubts %q", doubts)
			}
			for _, want := range test.doubt {
				if !strings.Contains(doubts[0], want) {
					t.Errorf("%q is not in: %s", want, doubts[0])
				}
			}
		})
	}
}

// rows are all rows with their versions, in which a trial leaves no trace.
func (a *application) rows() (all string) {
	a.Helper()
	must(a, a.conn.QueryRow(a.Context(), `SELECT coalesce((SELECT string_agg(u::text, ' ' ORDER BY id) FROM users u), '') || ' seen ' || (SELECT count(*) FROM seen)`).Scan(&all))
	return all
}

// A row that an application is changing is passed over, and the worker starts.
func TestTrialWaitsForNobody(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, untouched)
	s := openUsers(t, url, plainUsers())
	busy := connect(t, url)
	busy.exec(`BEGIN; UPDATE users SET email = email`)
	taken(t, s, asStored)
	busy.exec(`COMMIT`)
}

// security 17: the rights of a worker are enough, and nothing is said of a store that is away.
func TestTrialWithTheRightsOfAWorker(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, untouched)
	users := plainUsers()
	s, err := tryAs(t, url, &users, `GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.tokens, rekey.mails, rekey.begun, rekey.submissions TO $user; GRANT INSERT ON rekey.audit TO $user;
		GRANT SELECT ON rekey.goose_db_version TO $user; GRANT SELECT (id, email, password), UPDATE (password) ON users TO $user; GRANT SELECT (user_id), DELETE ON sessions TO $user`)
	must(t, err)
	defer s.Close()
	taken(t, s, asStored)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.TryHashes(over, asStored); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
