package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// application is a connection of an application that has the tables of users itself.
type application struct {
	*testing.T
	conn *pgx.Conn
}

func connect(t *testing.T, url string) *application {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close(context.Background())) })
	return &application{t, conn}
}

func (a *application) exec(statement string) {
	a.Helper()
	_, err := a.conn.Exec(a.Context(), statement)
	must(a, err)
}

// until waits until a query is true, with a deadline.
func (a *application) until(query string) {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for yes := false; ; <-tick.C {
		if err := a.conn.QueryRow(ctx, query).Scan(&yes); err != nil || yes {
			must(a, err)
			return
		}
	}
}

// waiting is that a worker waits for a lock in this database.
const waiting = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rekey' AND wait_event_type = 'Lock')`

// used is an application whose only user, with two sessions, was mailed a link.
func used(t *testing.T) (string, *postgres.Store, account.Change) {
	t.Helper()
	url := migrated(t)
	postgrestest.Exec(t, url, plainTables("integer")+`; INSERT INTO users VALUES (1, 'ann@example.com', '$argon2id$old'); INSERT INTO sessions VALUES (1, 'a'), (1, 'b')`)
	s := openUsers(t, url, plainUsers())
	found, err := s.Find(t.Context(), "ann@example.com")
	must(t, err)
	token := tokenOf(found[0], 1)
	must(t, issue(t.Context(), s, token, 1))
	return url, s, changeBy(token)
}

// changing begins a change and returns how it ends.
func changing(ctx context.Context, s *postgres.Store, c account.Change) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := s.ChangePassword(ctx, c)
		done <- err
	}()
	return done
}

// security 10: a change waits for the application's work on the account, and judges its result.
func TestChangeWaitsForTheApplication(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]error{
		`UPDATE users SET password = 'own'`:                   account.ErrCredentialChanged,
		`UPDATE users SET email = 'new@example.com'`:          account.ErrAddressChanged,
		`DELETE FROM sessions; DELETE FROM users`:             account.ErrAccountGone,
		`UPDATE users SET banned = true, changed_at = now()`:  nil, // no setting names these
		`SELECT FROM users FOR SHARE`:                         nil,
		`INSERT INTO sessions VALUES (1, 'c'), (1, 'd')`:      nil,
		`INSERT INTO users VALUES (2, 'ANN@example.com', '')`: nil,
	} {
		url, s, change := used(t)
		app, other := connect(t, url), connect(t, url)
		app.exec("BEGIN; " + statement)
		done := changing(t.Context(), s, change)
		if want != nil {
			other.until(waiting)
		}
		app.exec("COMMIT")
		if err := <-done; !errors.Is(err, want) || err != nil && want == nil {
			t.Errorf("%s: %v, want %v", statement, err, want)
		}
	}
}

// A deadlock with a transaction that locks in another order is no fault: the change is made
// afterwards, once.
func TestDeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	url, s, change := used(t)
	app, other := connect(t, url), connect(t, url)
	postgrestest.Exec(t, url, `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET deadlock_timeout = ''10s'''; END $$`)
	must(t, s.Close())
	s = openUsers(t, url, plainUsers()) // connections that know of it: it is this side that notices
	app.exec("SET deadlock_timeout = '1h'; BEGIN; UPDATE sessions SET data = 'seen'")
	done := changing(t.Context(), s, change)
	other.until(waiting)
	app.exec("UPDATE users SET banned = false")
	app.exec("COMMIT")
	must(t, <-done)
	postgrestest.Exec(t, url, `DO $$ BEGIN
		ASSERT (SELECT password FROM users) = 'new' OR (SELECT password FROM users) LIKE '%new';
		ASSERT NOT EXISTS (SELECT FROM sessions);
		ASSERT (SELECT count(*) FROM rekey.audit WHERE event = 'password_changed') = 1;
	END $$`)
	// A connection reports its statistics when it has been idle or ends.
	must(t, s.Close())
	other.until(`SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()`)
}

// failing makes every update of users fail after some seconds as one that could be tried
// again, and counts.
func failing(after string) string {
	return `CREATE SEQUENCE tries; CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		PERFORM nextval('public.tries'); PERFORM pg_sleep(` + after + `); RAISE SQLSTATE '40001'; END $$;
	CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()`
}

// A conflict that does not end is an error, after a few tries, and leaves nothing.
func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	url, s, change := used(t)
	postgrestest.Exec(t, url, failing("0"))
	_, err := s.ChangePassword(t.Context(), change)
	if state, ok := errors.AsType[*postgres.Error](err); !ok || state.Code != "40001" {
		t.Errorf("error %v", err)
	}
	connect(t, url).until(`SELECT last_value = 6 FROM tries`)
	postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT count(*) FROM rekey.audit) = 1; ASSERT NOT EXISTS (SELECT FROM rekey.submissions);
		ASSERT (SELECT password FROM users) = '$argon2id$old'; ASSERT (SELECT count(*) FROM sessions) = 2; END $$; DROP TRIGGER t ON users`)
	_, err = s.ChangePassword(t.Context(), change)
	must(t, err)
}

// A call whose context has ended is not retried.
func TestTriesEndWithTheContext(t *testing.T) {
	t.Parallel()
	url, s, change := used(t)
	postgrestest.Exec(t, url, failing("0.3"))
	ctx, cancel := context.WithCancel(t.Context())
	done := changing(ctx, s, change)
	app := connect(t, url)
	app.until(`SELECT is_called FROM tries`)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	app.until(`SELECT last_value < 6 FROM tries`)
}

// A change that waits is given up with its context, and nothing of it is left.
func TestWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	url, s, change := used(t)
	app, other := connect(t, url), connect(t, url)
	app.exec("BEGIN; SELECT FROM users FOR UPDATE")
	ctx, cancel := context.WithCancel(t.Context())
	done := changing(ctx, s, change)
	other.until(waiting)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	app.exec("COMMIT")
	other.until(`SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`)
	postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT password FROM users) = '$argon2id$old'; END $$`)
	_, err := s.ChangePassword(t.Context(), change)
	must(t, err)
}

// security 36: a submission is known by its ID and run alone, also when another worker
// remembers it at this moment.
func TestSubmissionThatIsRememberedMeanwhile(t *testing.T) {
	t.Parallel()
	url, s, change := used(t)
	app, other := connect(t, url), connect(t, url)
	app.exec(`BEGIN; INSERT INTO rekey.submissions (id, account_id, run, at) VALUES ('submission', 'of another', 'run', now())`)
	done := make(chan string, 1)
	go func() {
		owner, err := s.ChangePassword(t.Context(), change)
		if err != nil {
			owner = err.Error()
		}
		done <- owner
	}()
	other.until(waiting)
	app.exec("COMMIT")
	if owner := <-done; owner != "of another" {
		t.Errorf("the change ended with %q", owner)
	}
	postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT (SELECT password FROM users) = '$argon2id$old'; END $$`)
}

// security 32: a sign-in began under the old password and reads the row FOR SHARE. It holds no
// session after the change, whichever of the two comes first.
func TestSignInInProgress(t *testing.T) {
	t.Parallel()
	url, s, change := used(t)
	app, other := connect(t, url), connect(t, url)
	app.exec(`BEGIN; SELECT password FROM users WHERE id = 1 FOR SHARE`)
	done := changing(t.Context(), s, change)
	other.until(waiting)
	app.exec(`INSERT INTO sessions VALUES (1, 'stale'); COMMIT`)
	must(t, <-done)
	postgrestest.Exec(t, url, `DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM sessions); END $$`)
}

// A sign-in to rekey's own accounts waits for a change in progress, and is too late then.
func TestSessionWaitsForTheChange(t *testing.T) {
	t.Parallel()
	url := migrated(t)
	s := openAt(t, url)
	must(t, s.Put(t.Context(), ann()))
	app, other := connect(t, url), connect(t, url)
	app.exec("BEGIN; UPDATE rekey.accounts SET credential = 'new'")
	done := make(chan error, 1)
	go func() {
		_, err := s.NewSession(t.Context(), "ann", ann().Credential)
		done <- err
	}()
	other.until(waiting)
	app.exec("COMMIT")
	if err := <-done; !errors.Is(err, account.ErrCredentialChanged) {
		t.Errorf("error %v", err)
	}
}
