package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
)

// dump is all that the tables hold, but for the version of the schema.
func dump(t *testing.T, url string) map[string]string {
	t.Helper()
	app := connect(t, url)
	found := map[string]string{}
	for _, table := range []string{"accounts", "sessions", "tokens", "mails", "submissions", "begun", "audit"} {
		var rows string
		must(t, app.conn.QueryRow(t.Context(), `SELECT coalesce(string_agg(t::text, E'\n'), '') FROM rekey.`+table+` t`).Scan(&rows))
		found[table] = rows
	}
	var tables int
	must(t, app.conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'rekey'`).Scan(&tables))
	if tables != len(found)+1 {
		t.Errorf("%d tables, of which %d were read", tables, len(found))
	}
	return found
}

// Deletion leaves nothing behind: after a sweep and with all accounts gone, there is the audit
// log.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	s, bob := openAt(t, url), ann()
	bob.ID, bob.Address = "bob", "bob@example.com"
	for _, a := range []account.Account{ann(), bob} {
		must(t, s.Put(t.Context(), a))
		must(t, issue(t.Context(), s, tokenOf(a, a.ID[0]), 9))
		for range 2 {
			_, err := s.NewSession(t.Context(), a.ID, a.Credential)
			must(t, err)
		}
	}
	_, err := s.ChangePassword(t.Context(), changeBy(tokenOf(ann(), 'a')))
	must(t, err)
	must(t, issue(t.Context(), s, tokenOf(bob, 1), 9))
	must(t, s.RevokeToken(t.Context(), tokenOf(bob, 1).Key, noon))
	rows := dump(t, url)
	for table, want := range map[string]int{"accounts": 2, "sessions": 2, "tokens": 1, "mails": 3, "submissions": 1, "audit": 5} {
		if n := len(strings.Fields(strings.ReplaceAll(rows[table], " ", ""))); n != want {
			t.Errorf("%d %s, want %d:\n%s", n, table, want, rows[table])
		}
	}
	for _, id := range []string{"ann", "bob"} {
		must(t, s.Delete(t.Context(), id))
	}
	if err := s.Delete(t.Context(), "ann"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	_, err = s.Tell(t.Context(), changeBy(tokenOf(ann(), 'a')).Submission, account.TellDone, ann().Address, noon)
	must(t, err)
	_, err = s.Sweep(t.Context(), noon.AddDate(1, 0, 0))
	must(t, err)
	for table, rows := range dump(t, url) {
		if table != "audit" && rows != "" {
			t.Errorf("%s still has %s", table, rows)
		}
	}
}

// A copy of the database opens no session.
func TestDatabaseHoldsNoSessionID(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	s := openAt(t, url)
	must(t, s.Put(t.Context(), ann()))
	sid, err := s.NewSession(t.Context(), "ann", ann().Credential)
	must(t, err)
	rows := dump(t, url)
	if !strings.Contains(rows["accounts"], ann().Credential) || rows["sessions"] == "" {
		t.Error("the tables are not read as they are written")
	}
	if strings.Contains(rows["sessions"], sid) || len(sid) < 26 {
		t.Error("the session ID is in the database, or short")
	}
	got, err := s.Session(t.Context(), sid)
	if err != nil || got.ID != "ann" {
		t.Errorf("session of %q, %v", got.ID, err)
	}
	must(t, s.EndSession(t.Context(), sid))
	must(t, s.EndSession(t.Context(), sid))
	if _, err := s.Session(t.Context(), sid); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("a session that was ended: %v", err)
	}
}

// security 18, 32: a session counts under the credential it was made under and no other.
func TestSessionEndsWithTheCredential(t *testing.T) {
	t.Parallel()
	s := openAt(t, migrated(t))
	for what, change := range map[string]func(*account.Account){
		"password changed": func(a *account.Account) { a.Credential = "$argon2id$own" },
		"disabled":         func(a *account.Account) { a.Disabled = true },
	} {
		a := ann()
		must(t, s.Put(t.Context(), a))
		sid, err := s.NewSession(t.Context(), a.ID, a.Credential)
		must(t, err)
		change(&a)
		must(t, s.Put(t.Context(), a))
		if _, err := s.Session(t.Context(), sid); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, s.Put(t.Context(), ann()))
	if _, err := s.NewSession(t.Context(), "ann", "stale"); !errors.Is(err, account.ErrCredentialChanged) {
		t.Errorf("a session under another password: %v", err)
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	s := openAt(t, migrated(t))
	for what, change := range map[string]func(*account.Account){
		"no ID":                  func(a *account.Account) { a.ID = "" },
		"NUL in the ID":          func(a *account.Account) { a.ID = "a\x00b" },
		"no address":             func(a *account.Account) { a.Address = "" },
		"no address that is one": func(a *account.Account) { a.Address = "Ann <ann@example.com>" },
	} {
		a := ann()
		change(&a)
		err := s.PutMany(t.Context(), []account.Account{ann(), a})
		if err == nil || strings.Contains(err.Error(), "ann@") || strings.Contains(what, "ID") != strings.Contains(err.Error(), "account ID") {
			t.Errorf("%s: error %v", what, err)
		}
		if _, err := s.Account(t.Context(), "ann"); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("%s: the other one is there: %v", what, err)
		}
	}
}

func TestClosed(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	s := openAt(t, url)
	must(t, s.Close())
	_, find := s.Find(t.Context(), "ann@example.com")
	if put := s.Put(t.Context(), ann()); find == nil || put == nil {
		t.Errorf("find %v, put %v", find, put)
	}
	conn, err := pgx.Connect(context.WithoutCancel(t.Context()), url) // and its connections are gone
	must(t, err)
	must(t, conn.Close(context.WithoutCancel(t.Context())))
}
