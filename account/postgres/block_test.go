package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// blockOf blocks an account with a hash.
func blockOf(id, hash string) account.Block {
	return account.Block{AccountID: id, Run: "run", Operator: "a.smith", Reason: "leak", At: noon, Hash: func(string) (string, error) { return hash, nil }}
}

// A block that the tables never take is refused at the first try, and leaves the account as it was.
func TestBlockThatIsNeverTaken(t *testing.T) {
	t.Parallel()
	url, s, _ := used(t)
	postgrestest.Exec(t, url, `ALTER TABLE users ADD CONSTRAINT c CHECK (password NOT LIKE '%blocked')`)
	if err := s.Block(t.Context(), blockOf("1", "$argon2id$blocked")); !errors.Is(err, account.ErrNeverTaken) || !strings.Contains(err.Error(), "23514") {
		t.Errorf("error %v", err)
	}
	postgrestest.Exec(t, url, `DO $$ BEGIN
		ASSERT (SELECT password = '$argon2id$old' FROM users); ASSERT (SELECT count(*) = 2 FROM sessions); ASSERT (SELECT count(*) = 1 FROM rekey.tokens);
		ASSERT NOT EXISTS (SELECT FROM rekey.audit WHERE event = 'password_blocked');
	END $$; ALTER TABLE users DROP CONSTRAINT c`)
	must(t, s.Block(t.Context(), blockOf("1", "$argon2id$blocked")))
	postgrestest.Exec(t, url, `DO $$ BEGIN
		ASSERT (SELECT password = '$argon2id$blocked' FROM users); ASSERT NOT EXISTS (SELECT FROM sessions); ASSERT NOT EXISTS (SELECT FROM rekey.tokens);
		ASSERT (SELECT count(*) = 1 FROM rekey.audit WHERE event = 'password_blocked');
	END $$`)
}

// security 10, 32: a block waits for the application's work on the account, and blocks its result. A
// sign-in in progress holds no session after it.
func TestBlockWaitsForTheApplication(t *testing.T) {
	t.Parallel()
	url, s, _ := used(t)
	app, other := connect(t, url), connect(t, url)
	app.exec(`BEGIN; UPDATE users SET password = '$argon2id$own'; INSERT INTO sessions VALUES (1, 'late')`)
	done, given := make(chan error, 1), ""
	b := blockOf("1", "")
	b.Hash = func(stored string) (string, error) { given = stored; return "$argon2id$blocked", nil }
	go func() { done <- s.Block(t.Context(), b) }()
	other.until(waiting)
	app.exec("COMMIT")
	must(t, <-done)
	if given != "$argon2id$own" {
		t.Errorf("the stored hash was %q", given)
	}
	postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT password = '$argon2id$blocked' FROM users); ASSERT NOT EXISTS (SELECT FROM sessions); END $$`)
}

// security 17: with the view and the rights of adopt, a block ends the sessions as a change does, also
// once more, and all accounts are listed.
func TestBlockOfAdoptedUsers(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	postgrestest.Exec(t, url, everything)
	const role = "worker_of_block"
	sql, _, err := adopt(t, url, postgres.AdoptConfig{Role: role})
	must(t, err)
	t.Cleanup(func() { postgrestest.Exec(t, url, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	postgrestest.Exec(t, url, sql)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: strings.Replace(url, "user=postgres", "user="+role, 1)})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	found, err := s.Find(t.Context(), "p1@example.com")
	must(t, err)
	for range 2 {
		must(t, s.Block(t.Context(), blockOf(found[0].ID, "$2b$10$blocked")))
		postgrestest.Exec(t, url, `DO $$ BEGIN
			ASSERT (SELECT "passwordHash" = '$2b$10$blocked' FROM members WHERE "emailAddress" = 'p1@example.com');
			ASSERT (SELECT count(*) = 7 FROM member_sessions); ASSERT (SELECT count(*) = 7 FROM refresh_tokens);
		END $$; INSERT INTO refresh_tokens SELECT "memberId", 'late' FROM members WHERE "emailAddress" = 'p1@example.com'`)
	}
	if ids := walk(t, s, 3); len(ids) != 8 {
		t.Errorf("%d accounts are listed: %q", len(ids), ids)
	}
}

// walk lists all accounts.
func walk(t *testing.T, s *postgres.Store, limit int) (ids []string) {
	t.Helper()
	for after := ""; ; after = ids[len(ids)-1] {
		page, err := s.Accounts(t.Context(), after, limit)
		must(t, err)
		if len(page) == 0 || len(ids) > 1000 {
			return ids
		}
		for _, a := range page {
			ids = append(ids, a.ID)
		}
	}
}

// Pages follow the order of the column's type, and not that of its text.
func TestPagesOfTypes(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	for kind, ids := range map[string][]string{
		"bigint":                 {"-5", "9", "10", "100", "9007199254740992", "9007199254740993"},
		"integer":                {"1", "2", "10", "20"},
		"numeric":                {"9", "10", "12345678901234567890122", "12345678901234567890123"},
		"uuid":                   {"00000000-0000-0000-0000-000000000009", "0f9a1c52-8d3b-4f70-9b1e-5a2d7c64e310", "f0000000-0000-0000-0000-000000000000"},
		"varchar(30)":            {"10", "9", "a", "a b"},
		"char(5)":                {"10", "9", "a", "ab"},
		"public.citext":          {"10", "9", "A", "b", "C"},
		"mood":                   {"sad", "angry", "glad"},
		"code":                   {"x1", "x10", "x9"},
		`text COLLATE "folding"`: {"10", "9", "a", "B", "ä"},
	} {
		name, _, _ := strings.Cut(kind, " ")
		postgrestest.Exec(t, url, anew+`CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('glad', 'sad', 'angry'); CREATE DOMAIN code AS varchar(20);
			CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
			CREATE TABLE users (id `+kind+` PRIMARY KEY, email text, password text); CREATE TABLE sessions (user_id `+name+`)`)
		shuffled := slices.Clone(ids)
		slices.Reverse(shuffled)
		for i, id := range shuffled {
			postgrestest.Exec(t, url, fmt.Sprintf(`INSERT INTO users VALUES ('%s', '%d@example.com', 'old')`, id, i))
		}
		s := openUsers(t, url, plainUsers())
		numbers := slices.Contains([]string{"bigint", "integer", "numeric", "uuid"}, kind)
		for limit := range len(ids) + 1 {
			got := walk(t, s, limit+1)
			if numbers && !slices.Equal(got, ids) {
				t.Errorf("%s: listed in the order %q", kind, got)
			}
			slices.Sort(got)
			if !slices.Equal(got, slices.Sorted(slices.Values(ids))) {
				t.Errorf("%s: pages of %d list %q", kind, limit+1, got)
			}
		}
		for _, id := range []string{"of nobody", "99999999999999999999999"} {
			if err := s.Block(t.Context(), blockOf(id, "new")); !errors.Is(err, account.ErrAccountGone) {
				t.Errorf("%s: a block of %q: %v", kind, id, err)
			}
		}
		must(t, s.Block(t.Context(), blockOf(ids[0], "blocked")))
	}
}
