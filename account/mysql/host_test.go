package mysql_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/mysql"
	"github.com/rekeyhq/rekey/account/storetest"
	"github.com/rekeyhq/rekey/internal/testkit/mariadbtest"
)

func TestMain(m *testing.M) { os.Exit(mariadbtest.Run(m.Run)) }

// url is that of a database for a user.
func url(user, name string) string {
	return "mysql://" + user + "@/" + name + "?socket=" + strings.ReplaceAll(mariadbtest.Socket(), "/", "%2F")
}

// tables are those of an application.
const tables = `
	CREATE TABLE users (id VARCHAR(64) PRIMARY KEY, email VARCHAR(254) NOT NULL, pw VARCHAR(255), closed BOOL, sso BOOL, copies TEXT, verified BOOL NOT NULL DEFAULT FALSE, lang VARCHAR(64),
		KEY (email)) COLLATE utf8mb4_general_ci;
	CREATE TABLE sessions (sid VARCHAR(64) PRIMARY KEY, user_id VARCHAR(64) NOT NULL, pw VARCHAR(255), KEY (user_id)) COLLATE utf8mb4_general_ci`

// page is the block of SQL in the documentation, for these tables.
func views(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/hosts/mysql.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n```sql\n")
	sql, _, ok := strings.Cut(rest, "\n```\n")
	if !ok {
		t.Fatal("docs/hosts/mysql.md has no block of SQL")
	}
	return sql
}

// application is the application's own code.
type application struct{ db *sql.DB }

func (a application) Put(ctx context.Context, who account.Account) error {
	_, err := a.db.ExecContext(ctx, "REPLACE users (id, email, pw, closed, sso, copies, lang) VALUES (?, ?, NULLIF(?, ''), ?, ?, ?, ?)",
		who.ID, who.Address, who.Credential, who.Disabled, !who.Resettable, strings.Join(who.Notify, ", "), who.Locale)
	return err
}

// Verified implements storetest.Verifier.
func (a application) Verified(ctx context.Context, id string) (is bool, err error) {
	err = a.db.QueryRowContext(ctx, "SELECT verified FROM users WHERE id = ?", id).Scan(&is)
	return is, err
}

func (a application) Delete(ctx context.Context, id string) error {
	_, err := a.db.ExecContext(ctx, "DELETE FROM users WHERE id = ?", id)
	return err
}

func (a application) NewSession(ctx context.Context, id, credential string) (string, error) {
	sid := rand.Text()
	_, err := a.db.ExecContext(ctx, "INSERT sessions (sid, user_id, pw) VALUES (?, ?, ?)", sid, id, credential)
	return sid, err
}

// Session compares the password of the sign-in too, so that a late one holds nothing.
func (a application) Session(ctx context.Context, sid string) (who account.Account, err error) {
	err = a.db.QueryRowContext(ctx, "SELECT u.id FROM users u JOIN sessions s ON s.user_id = u.id AND s.pw = COALESCE(u.pw, '') WHERE s.sid = ?", sid).Scan(&who.ID)
	if errors.Is(err, sql.ErrNoRows) {
		err = account.ErrNotFound
	}
	return who, err
}

type harness struct {
	*mysql.Host
	application
}

func open(t *testing.T, name string) *mysql.Host {
	t.Helper()
	h, err := mysql.Open(t.Context(), url("rekey", name), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// prepared makes an application with the views of the documentation, and their rights.
func prepared(t *testing.T) (*sql.DB, string) {
	t.Helper()
	app, name := mariadbtest.Database(t, tables)
	mariadbtest.Exec(t, app, strings.Replace(views(t), "CREATE USER rekey", "CREATE USER IF NOT EXISTS rekey", 1))
	return app, name
}

// security 5, 10, 17, 23: an application in MariaDB carries resets, with the rights of the
// documentation.
func TestHost(t *testing.T) {
	t.Parallel()
	storetest.RunHost(t, func(t *testing.T) storetest.HostHarness {
		t.Helper()
		app, name := prepared(t)
		return &harness{open(t, name), application{app}}
	})
}

func ann() account.Account {
	return account.Account{ID: "ann", Address: "ann@example.com", Credential: "$2y$10$old", Resettable: true}
}

func changeOf(a account.Account, to string) account.HostChange {
	return account.HostChange{AccountID: a.ID, Old: account.CredentialDigest(a.Credential), New: to, Submission: "s"}
}

// security 30: the mark of a verified address is optional. Without the column, or the right to set it,
// the first password is set all the same; the start finds a right that went away.
func TestAddressVerified(t *testing.T) {
	t.Parallel()
	const view = "CREATE OR REPLACE VIEW rekey_users AS SELECT id, email AS address, pw AS credential"
	for name, tc := range map[string]struct {
		alter    string
		verified bool
	}{
		"kept":       {"", true},
		"no column":  {view + " FROM users", false},
		"no right":   {"REVOKE UPDATE (address_verified) ON rekey_users FROM rekey", false},
		"expression": {view + ", verified OR FALSE AS address_verified FROM users", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, db := prepared(t)
			if tc.alter != "" {
				mariadbtest.Exec(t, app, tc.alter)
			}
			who := ann()
			who.Credential = ""
			if err := (application{app}).Put(t.Context(), who); err != nil {
				t.Fatal(err)
			}
			h, c := open(t, db), changeOf(who, "$2y$10$new")
			c.Verified = true
			if err := errors.Join(h.Check(t.Context()), h.Change(t.Context(), c)); err != nil {
				t.Fatal(err)
			}
			now, err := h.Account(t.Context(), "ann")
			verified, readErr := application{app}.Verified(t.Context(), "ann")
			if err != nil || readErr != nil || now.Credential != c.New || verified != tc.verified {
				t.Errorf("the credential is %q, verified %v, %v, %v", now.Credential, verified, err, readErr)
			}
			if name == "no column" {
				return
			}
			mariadbtest.Exec(t, app, "GRANT UPDATE (credential, address_verified) ON rekey_users TO rekey; REVOKE UPDATE (address_verified) ON rekey_users FROM rekey")
			if err := h.Check(t.Context()); (err != nil) != tc.verified {
				t.Errorf("without the right: %v", err)
			}
		})
	}
}

// A change that the tables cannot take is refused for good, and rolled back with the end of the
// sessions. No text of the server is in the error.
func TestNeverTaken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ alter, want string }{
		"a short column": {"ALTER TABLE users MODIFY pw VARCHAR(10)", "widen the column"},
		"a short column, not strict": {
			"ALTER TABLE users MODIFY pw VARCHAR(10); SET GLOBAL sql_mode = ''", "stored another hash",
		},
		"a check": {"ALTER TABLE users ADD CONSTRAINT no CHECK (pw NOT LIKE '%ann@example.com%')", "a CHECK refuses"},
		"a trigger": {
			"CREATE TRIGGER no BEFORE UPDATE ON users FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ann@example.com'", "a trigger",
		},
		"a trigger that keeps the old one": {"CREATE TRIGGER no BEFORE UPDATE ON users FOR EACH ROW SET NEW.pw = OLD.pw", "stored another hash"},
		"a reference to sessions": {
			"CREATE TABLE carts (sid VARCHAR(64) COLLATE utf8mb4_general_ci, FOREIGN KEY (sid) REFERENCES sessions (sid)); INSERT carts SELECT sid FROM sessions",
			"ON DELETE CASCADE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			app, db := prepared(t)
			a := application{app}
			if err := a.Put(t.Context(), ann()); err != nil {
				t.Fatal(err)
			}
			if _, err := a.NewSession(t.Context(), "ann", "$2y$10$old"); err != nil {
				t.Fatal(err)
			}
			mariadbtest.Exec(t, app, tc.alter)
			t.Cleanup(func() { mariadbtest.Exec(t, app, "SET GLOBAL sql_mode = DEFAULT") })
			h := open(t, db)
			err := h.Change(t.Context(), changeOf(ann(), "$2y$10$new-ann@example.com"))
			if !errors.Is(err, account.ErrNeverTaken) || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "@") {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			var sessions int
			if err := app.QueryRow("SELECT count(*) FROM sessions").Scan(&sessions); err != nil || sessions != 1 {
				t.Errorf("%d sessions, %v", sessions, err)
			}
			if now, err := h.Account(t.Context(), "ann"); err != nil || now.Credential != "$2y$10$old" {
				t.Errorf("the credential is %q, %v", now.Credential, err)
			}
		})
	}
}

// An ID that is a number is compared as a number, and a text that is none is no account.
func TestNumbersAsIDs(t *testing.T) {
	t.Parallel()
	app, name := mariadbtest.Database(t, tables, "ALTER TABLE users MODIFY id BIGINT UNSIGNED", "ALTER TABLE sessions MODIFY user_id BIGINT UNSIGNED")
	mariadbtest.Exec(t, app, strings.Replace(views(t), "CREATE USER rekey", "CREATE USER IF NOT EXISTS rekey", 1))
	h := open(t, name)
	for _, id := range []string{"9007199254740992", "9007199254740993", "18446744073709551615", "7"} {
		who := ann()
		who.ID, who.Address = id, "n"+id+"@example.com"
		if err := (application{app}).Put(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]error{
		"9007199254740992": nil, "9007199254740993": nil, "18446744073709551615": nil, "7": nil,
		"7a": account.ErrNotFound, "7.0": account.ErrNotFound, "+7": account.ErrNotFound, "07": account.ErrNotFound, "": account.ErrNotFound, "8": account.ErrNotFound,
	} {
		a, err := h.Account(t.Context(), id)
		if !errors.Is(err, want) || err == nil && a.Address != "n"+id+"@example.com" {
			t.Errorf("%q: %s, %v", id, a.Address, err)
		}
	}
	gone := ann()
	gone.ID = "7a"
	if err := h.Change(t.Context(), changeOf(gone, "$2y$10$new")); !errors.Is(err, account.ErrAccountGone) {
		t.Errorf("error %v", err)
	}
}

// security 20: addresses that the collation takes for the same are two.
func TestCollationsFoldMore(t *testing.T) {
	t.Parallel()
	app, name := prepared(t)
	who := ann()
	who.Address = "Änn@example.com"
	if err := (application{app}).Put(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	h := open(t, name)
	for address, want := range map[string]int{"ann@example.com": 0, "Änn@example.com": 1} {
		if found, err := h.Find(t.Context(), address); err != nil || len(found) != want {
			t.Errorf("%s: %d accounts, %v", address, len(found), err)
		}
	}
}

// The start says what is wrong with the database.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ alter, want string }{
		"no view":        {"DROP VIEW rekey_users", "a view is missing"},
		"no right":       {"REVOKE UPDATE (credential) ON rekey_users FROM rekey", "lacks a right"},
		"no end":         {"REVOKE DELETE ON rekey_sessions FROM rekey", "lacks a right"},
		"no column":      {"CREATE OR REPLACE VIEW rekey_sessions AS SELECT sid FROM sessions", "no column user_id"},
		"capitals":       {"ALTER TABLE users MODIFY email VARCHAR(254) COLLATE utf8mb4_bin", "tells capitals"},
		"cannot change":  {"CREATE OR REPLACE VIEW rekey_sessions AS SELECT DISTINCT user_id FROM sessions", "cannot be changed"},
		"a gone column":  {"ALTER TABLE users DROP COLUMN pw", "refers to"},
		"another column": {"CREATE OR REPLACE VIEW rekey_users AS SELECT id, email AS address FROM users", "no column credential"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, db := prepared(t)
			mariadbtest.Exec(t, app, tc.alter)
			h, err := mysql.Open(t.Context(), url("rekey", db), "")
			if err == nil {
				_ = h.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	_, db := prepared(t)
	if _, err := mysql.Open(t.Context(), url("nobody", db), "hunter2"); err == nil || !strings.Contains(err.Error(), "refuses this user") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("another user: %v", err)
	}
}

// security 26: a URL holds no password, and nothing that could switch the verification off.
func TestURLs(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"mysql://rekey:hunter2@db.example.com/app", "mysql://db.example.com/app", "mysql://rekey@db.example.com", "mysql://rekey@db.example.com/",
		"mysql://rekey@db.example.com/app?tls=skip-verify", "mysql://rekey@/app", "mysql://rekey@db.example.com/app?socket=/s", "postgres://rekey@db.example.com/app",
	} {
		if _, err := mysql.Open(t.Context(), bad, ""); !errors.Is(err, mysql.ErrURL) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", bad, err)
		}
	}
}

// A column that is too short for the hashes of the application is found at the start.
func TestShortColumnIsFoundAtTheStart(t *testing.T) {
	t.Parallel()
	db, name := prepared(t)
	mariadbtest.Exec(t, db, `ALTER TABLE users MODIFY pw VARCHAR(60); INSERT users (id, email, pw, closed, sso) VALUES
		(1, '1@example.com', 'closed', 1, 0), (2, '2@example.com', 'elsewhere', 0, 1), (3, '3@example.com', NULL, 0, 0), (4, '4@example.com', 'old', 0, 0)`)
	h := open(t, name)
	var seen []string
	try := func(n int) error {
		_, err := account.Beside(h, nil).(interface {
			TryHashes(ctx context.Context, like func(string) string) ([]string, error)
		}).TryHashes(t.Context(), func(stored string) string { seen = append(seen, stored); return strings.Repeat("x", n) })
		return err
	}
	if err := try(60); err != nil {
		t.Errorf("a hash that fits: %v", err)
	}
	if err := try(61); err == nil || !strings.Contains(err.Error(), "holds 60 characters, and a hash that would be written has 61") {
		t.Errorf("a hash that is too long: %v", err)
	}
	if strings.Join(seen, " ") != "old old" {
		t.Errorf("it looks at the hashes %q", seen)
	}
}

// A look-up without an index reads the whole table.
func TestLookUpReads(t *testing.T) {
	t.Parallel()
	db, name := prepared(t)
	mariadbtest.Exec(t, db, "INSERT users (id, email) SELECT seq, CONCAT(seq, '@example.com') FROM seq_1_to_5000")
	h := open(t, name)
	indexed, err := h.LookUpReads(t.Context())
	if err != nil || indexed > 2000 {
		t.Errorf("with the index: %d rows, %v", indexed, err)
	}
	mariadbtest.Exec(t, db, "DROP INDEX email ON users")
	if all, err := h.LookUpReads(t.Context()); err != nil || all < indexed+5000 {
		t.Errorf("without the index: %d rows, with it %d, %v", all, indexed, err)
	}
}
