package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/account/storetest"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// host is an application with an old table of users, and its own sign-in. It writes only the
// part of the application in the suite.
type host struct {
	*postgres.Store
	db      *pgxpool.Pool
	put     string // $1 to $6 are the fields of an account, $7 is its language if it is kept
	remove  string // of the account ID $1
	proved  string // whether the address of the account ID $1 is verified; empty when that is not kept
	verify  string // the hash of the account ID $1, to stay so
	signIn  string // makes the session $1 of the account ID $2
	session string // the account ID of the session $1, if that still counts
}

// withSessions is an application whose sessions are rows. Its names need quotes.
func withSessions() (string, postgres.Users, host) {
	return `CREATE SCHEMA "My Shop";
		CREATE TABLE "My Shop"."People" ("select" text PRIMARY KEY, "E-Mail" text, "pass""word" varchar(200), closed timestamptz, local boolean, others text[], "Lang" varchar(40), "Proved" boolean DEFAULT false);
		CREATE INDEX ON "My Shop"."People" (lower("E-Mail"));
		CREATE TABLE "My Shop".logins (id text PRIMARY KEY, "Who" text NOT NULL REFERENCES "My Shop"."People" ON DELETE CASCADE)`,
		postgres.Users{
			Table: "My Shop.People", ID: "select", Email: "E-Mail", Password: `pass"word`,
			Disabled: "closed", Resettable: "local", Notify: "others", Locale: "Lang", Verified: "Proved", Sessions: "My Shop.logins", SessionsUser: "Who",
		},
		host{
			put: `INSERT INTO "My Shop"."People" ("select", "E-Mail", "pass""word", closed, local, others, "Lang") VALUES ($1, $2, nullif($3::text, ''), CASE WHEN $4 THEN now() END, $5, $6, $7)
				ON CONFLICT ("select") DO UPDATE SET ("E-Mail", "pass""word", closed, local, others, "Lang") =
				(excluded."E-Mail", excluded."pass""word", excluded.closed, excluded.local, excluded.others, excluded."Lang")`,
			remove:  `DELETE FROM "My Shop"."People" WHERE "select" = $1`,
			proved:  `SELECT "Proved" FROM "My Shop"."People" WHERE "select" = $1`,
			verify:  `SELECT coalesce("pass""word", '') FROM "My Shop"."People" WHERE "select" = $1 FOR SHARE`,
			signIn:  `INSERT INTO "My Shop".logins VALUES ($1, $2)`,
			session: `SELECT "Who" FROM "My Shop".logins WHERE id = $1`,
		}
}

// withChangedAt is an application whose sessions hold their beginning, such as signed cookies.
// Its users hold the time of the change of their password.
func withChangedAt() (string, postgres.Users, host) {
	return `CREATE EXTENSION citext;
		CREATE TABLE users (id varchar(40) PRIMARY KEY, email citext, password text, changed timestamp, locked boolean, local boolean, recovery text);
		CREATE INDEX ON users (email);
		CREATE TABLE cookies (id text PRIMARY KEY, user_id text REFERENCES users ON DELETE CASCADE, began timestamptz DEFAULT clock_timestamp())`,
		postgres.Users{
			Table: "users", ID: "id", Email: "email", Password: "password",
			Disabled: "locked", Resettable: "local", Notify: "recovery", ChangedAt: "changed",
		},
		host{
			put: `INSERT INTO users VALUES ($1, $2, nullif($3::text, ''), NULL, $4, $5, ($6::text[])[1])
				ON CONFLICT (id) DO UPDATE SET (email, password, locked, local, recovery) =
				(excluded.email, excluded.password, excluded.locked, excluded.local, excluded.recovery)`,
			remove: `DELETE FROM users WHERE id = $1`,
			verify: `SELECT coalesce(password, '') FROM users WHERE id = $1 FOR SHARE`,
			signIn: `INSERT INTO cookies (id, user_id) VALUES ($1, $2)`,
			session: `SELECT user_id FROM cookies JOIN users ON user_id = users.id
				WHERE cookies.id = $1 AND (changed IS NULL OR began > changed AT TIME ZONE 'UTC')`,
		}
}

// security 17: both ways in which an application's own sessions end.
func TestTablesOfAnApplication(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]func() (string, postgres.Users, host){"sessions": withSessions, "changed at": withChangedAt} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hosts := postgrestest.NewShelf(t, func() (string, *host) {
				tables, users, h := shape()
				url := migrated(t)
				postgrestest.Exec(t, url, tables)
				h.open(t, url, users)
				return url, &h
			})
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				t.Helper()
				h := hosts.Take(t)
				if h.proved == "" {
					return monolingual{h}
				}
				return verifier{h}
			})
		})
	}
}

func (h *host) open(t *testing.T, url string, users postgres.Users) {
	t.Helper()
	var err error
	h.db, err = pgxpool.New(t.Context(), url)
	must(t, err)
	t.Cleanup(h.db.Close)
	h.Store = openUsers(t, url, users)
}

func openUsers(t *testing.T, url string, users postgres.Users) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, Users: &users})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func (h *host) Put(ctx context.Context, a account.Account) error {
	values := []any{a.ID, a.Address, a.Credential, a.Disabled, a.Resettable, a.Notify}
	if strings.Contains(h.put, "$7") {
		values = append(values, a.Locale)
	}
	_, err := h.db.Exec(ctx, h.put, values...)
	return err
}

// monolingual is an application that keeps no language.
type monolingual struct{ *host }

func (monolingual) NoLocale() {}

// verifier is an application that keeps whether an address is verified.
type verifier struct{ *host }

func (v verifier) Verified(ctx context.Context, id string) (is bool, err error) {
	err = v.db.QueryRow(ctx, v.proved, id).Scan(&is)
	return is, err
}

func (h *host) Delete(ctx context.Context, id string) error {
	_, err := h.db.Exec(ctx, h.remove, id)
	return err
}

// NewSession is the sign-in of the package comment.
func (h *host) NewSession(ctx context.Context, id, credential string) (string, error) {
	sid := rand.Text()
	return sid, pgx.BeginFunc(ctx, h.db, func(tx pgx.Tx) error {
		var stored string
		if err := tx.QueryRow(ctx, h.verify, id).Scan(&stored); err != nil {
			return err
		}
		if stored != credential {
			return errors.New("wrong password")
		}
		_, err := tx.Exec(ctx, h.signIn, sid, id)
		return err
	})
}

func (h *host) Session(ctx context.Context, sid string) (account.Account, error) {
	var id string
	err := h.db.QueryRow(ctx, h.session, sid).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = account.ErrNotFound
	}
	if err != nil {
		return account.Account{}, err
	}
	return h.Account(ctx, id)
}
