package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

const (
	bcryptSample = "$2y$12$uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
	argonSample  = "$argon2id$v=19$m=19456,t=2,p=1$uuuuuuuuuuuuuuuuuuuuuu$uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu"
)

// asUpgraded is what a worker would write with and without --upgrade-hash argon2id.
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

// untouched are tables with two owners, an account without a password and one that is locked,
// and a log of what triggers saw.
const untouched = `CREATE TABLE users (id integer PRIMARY KEY, email text, password text, locked boolean DEFAULT false);
	CREATE TABLE sessions (user_id integer); CREATE TABLE seen (hash text);
	INSERT INTO users VALUES (1, 'ann@example.com', '$2y$12$old', false), (2, 'bob@example.com', '$2y$10$old', false), (3, 'carol@example.com', '!', false),
		(4, 'dave@example.com', '$argon2id$old', true);`

// Tables that take no hash such as would be written are found when the worker starts. The
// error names what is in the way; every row is as it was.
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
		"column too short for some":   {`UPDATE users SET locked = false WHERE id = 4; ALTER TABLE users ALTER password TYPE varchar(60)`, asStored, []string{"22001", "97 characters"}},
		"view with a check":           {`ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people WHERE password NOT LIKE '$argon2id$v%' WITH CHECK OPTION`, asUpgraded, []string{"44000"}},
		"trigger that raises":         {raises(`RAISE 'not %', NEW.password`), asStored, []string{"P0001"}},
		"trigger that drops":          {raises(`RETURN NULL`), asStored, []string{"trigger or a rule"}},
		"trigger against one account": {raises(`IF NEW.id = 1 THEN RAISE 'not this one'; END IF; RETURN NEW`), asStored, nil},
		"trigger that logs":           {raises(`INSERT INTO seen VALUES (NEW.password); PERFORM pg_notify('changed', 'x'); RETURN NEW`), asStored, nil},
		"trigger that asks":           {raises(`IF current_setting('rekey.trial') <> 'on' THEN RAISE 'no trial'; END IF; RETURN NEW`), asStored, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := migrated(t)
			postgrestest.Exec(t, url, untouched+test.tables)
			before := rows(t, url)
			users := plainUsers()
			users.Disabled = "locked"
			err := openUsers(t, url, users).TryHashes(t.Context(), test.like)
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
			if after := rows(t, url); after != before {
				t.Errorf("a trial is left:\n%s\n%s", before, after)
			}
		})
	}
}

// rows are all rows with their versions: who looks sees no trial.
func rows(t *testing.T, url string) (all string) {
	t.Helper()
	c := connect(t, url)
	must(t, c.conn.QueryRow(t.Context(), `SELECT coalesce((SELECT string_agg(u::text, ' ' ORDER BY id) FROM users u), '') || ' seen ' || (SELECT count(*) FROM seen)`).Scan(&all))
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
	must(t, s.TryHashes(t.Context(), asStored))
	busy.exec(`COMMIT`)
}

// security 17: the rights of a worker are enough, and nothing is said of a store that is away.
func TestTrialWithTheRightsOfAWorker(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, untouched)
	users := plainUsers()
	s, err := tryAs(t, url, &users, `GRANT SELECT, INSERT, UPDATE, DELETE ON rekey.tokens, rekey.mails, rekey.submissions TO $user; GRANT INSERT ON rekey.audit TO $user;
		GRANT SELECT ON rekey.goose_db_version TO $user; GRANT SELECT (id, email, password), UPDATE (password) ON users TO $user; GRANT SELECT (user_id), DELETE ON sessions TO $user`)
	must(t, err)
	defer s.Close()
	must(t, s.TryHashes(t.Context(), asStored))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.TryHashes(over, asStored); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
