package e2e

import (
	"strings"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/password"
)

// application is the schema of an application that adopts rekey: users with passwords, and
// sessions.
const application = `
	CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, password varchar(60));
	CREATE INDEX ON users (lower(email));
	CREATE TABLE sessions (user_id bigint REFERENCES users);
	INSERT INTO users (email, password) VALUES ('Erin@Example.com', '$2a$04$old'), ('frank@example.com', '$2a$04$old'), ('grace@example.com', '$2a$04$old');
	INSERT INTO sessions SELECT id FROM users`

// security 17, 23: two workers share an application's table of users, whose sign-in reads
// bcrypt. One of them is killed, and every password is reset.
func TestTwoWorkersOnATableOfUsers(t *testing.T) {
	t.Parallel()
	url := postgrestest.Start(t).Database(t)
	postgrestest.Exec(t, url, application)
	s := site.New(t)
	s.Env = append(s.Env, "REKEY_STORE="+url, "REKEY_NORMALIZE=none")
	s.Run(t, 0, "setup")
	if got := lastLine(s.Run(t, 1, "worker")); !strings.Contains(got, "--store ($REKEY_STORE)") || !strings.Contains(got, "run `rekey migrate`") {
		t.Errorf("a worker without the schema: %s", got)
	}
	s.Run(t, 0, "migrate")
	postgrestest.Exec(t, url, s.Run(t, 0, "adopt", "--role", "postgres").Out.String())
	first, second, starter := s.Worker(t), s.Worker(t), s.Starter(t)

	for _, who := range s.People[:2] {
		wholeReset(t, s, who)
	}
	s.Forgot(t, s.People[2])
	token := s.Token(t, s.People[2], 1)
	first.Signal(t, syscall.SIGKILL)
	if a := s.Reset(t, token, strings.Repeat("plum velvet ", 6)+"x"); a.Code != "password_too_long" {
		t.Errorf("73 bytes: %+v", a)
	}
	s.Insist(t, token, newPassword)
	s.Mails(t, s.People[2], 2)

	changedInTheTable(t, url, s.People)
	for _, log := range []string{first.Err.String(), second.Err.String(), starter.Err.String()} {
		for _, secret := range []string{"$2a$", "rin@", "grace@", token, newPassword} {
			if strings.Contains(log, secret) {
				t.Errorf("a log holds %q", secret)
			}
		}
	}
}

// changedInTheTable checks that all people have the new password and no session, by one change.
func changedInTheTable(t *testing.T, url string, people []account.Account) {
	t.Helper()
	store, err := postgres.Open(t.Context(), postgres.Config{URL: url, Users: &postgres.Users{
		Table: "users", ID: "id", Email: "email", Password: "password", Sessions: "sessions", SessionsUser: "user_id",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, who := range people {
		found, err := store.Find(t.Context(), who.Address)
		if err != nil || len(found) != 1 {
			t.Fatalf("%s: %d accounts, %v", who.ID, len(found), err)
		}
		if right, err := password.Verify(found[0].Credential, newPassword); !right || err != nil || !strings.HasPrefix(found[0].Credential, "$2a$04$") {
			t.Errorf("%s has another password: %v", who.ID, err)
		}
	}
	postgrestest.Exec(t, url, `DO $$ BEGIN
		ASSERT NOT EXISTS (SELECT FROM sessions);
		ASSERT (SELECT count(*) = 3 AND count(DISTINCT account_id) = 3 FROM rekey.audit WHERE event = 'password_changed');
		ASSERT NOT EXISTS (SELECT FROM rekey.tokens);
	END $$`)
}
