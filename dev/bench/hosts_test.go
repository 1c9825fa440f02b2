package bench

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/internal/testkit/mariadbtest"
)

// besideURL moves the accounts into an application behind a URL, in this process.
func (l *lane) besideURL(t *testing.T) {
	t.Helper()
	app := hostapp.New()
	for n := range l.people {
		if err := app.Put(t.Context(), account.Account{ID: address(n), Address: address(n), Credential: "$argon2id$x", Resettable: true}); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	secret := filepath.Join(l.Dir, "users.secret")
	if err := os.WriteFile(secret, []byte(hostapp.Secret(hostapp.Key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.Env = append(l.Env, "REKEY_USERS_URL="+server.URL+"/rekey", "REKEY_USERS_SECRET_FILE="+secret)
}

// besideMariaDB moves the accounts into MariaDB, which syncs each commit.
func (l *lane) besideMariaDB(t *testing.T) {
	t.Helper()
	db, name := mariadbtest.Database(t,
		"CREATE TABLE users (id INT PRIMARY KEY, email VARCHAR(254), pw VARCHAR(255), KEY (email))", "CREATE TABLE sessions (user_id INT, KEY (user_id))",
		"CREATE VIEW rekey_users AS SELECT id, email AS address, pw AS credential FROM users", "CREATE VIEW rekey_sessions AS SELECT user_id FROM sessions",
		"CREATE USER rekey; GRANT SELECT, UPDATE ON rekey_users TO rekey; GRANT SELECT, DELETE ON rekey_sessions TO rekey")
	for n := range l.people {
		if _, err := db.ExecContext(t.Context(), "INSERT users VALUES (?, ?, '$argon2id$x')", n, address(n)); err != nil {
			t.Fatal(err)
		}
	}
	l.Env = append(l.Env, "REKEY_USERS_URL=mysql://rekey@/"+name+"?socket="+strings.ReplaceAll(mariadbtest.Socket(), "/", "%2F"))
}

// TestHosts measures whole resets with the usual hash, 8 at once, by the place of the accounts. It
// measures the places in turn.
func TestHosts(t *testing.T) {
	measures(t)
	const resets, atOnce = 160, 8
	places := []struct {
		name string
		make func(*lane, *testing.T)
	}{{"a bbolt file", nil}, {"a signed URL", (*lane).besideURL}, {"MariaDB", (*lane).besideMariaDB}}
	lanes, meters := make([]*lane, len(places)), make([]meter, len(places))
	for i, place := range places {
		l := newLane(t, "SQLite", warm+rounds*batch(resets))
		if place.make != nil {
			place.make(l, t)
			l.Env = append(l.Env, "REKEY_STORE="+filepath.Join(l.Dir, "ledger.db"))
		}
		l.worker(t)
		l.starter(t)
		l.repeat(t, &meter{}, warm, warm, l.reset)
		lanes[i] = l
	}
	for range rounds {
		for i, l := range lanes {
			l.repeat(t, &meters[i], batch(resets), atOnce, l.reset)
		}
	}
	for i, place := range places {
		m := &meters[i]
		t.Logf("%-12s: %.1f resets/s, CPU of a reset: worker %.1f ms, starter %.1f ms, Temporal %.1f ms; the answer to a new password p50 %.0f ms",
			place.name, m.perSecond(), m.cpu("worker"), m.cpu("starter"), m.cpu("temporal"), m.spread(submitAnswer).p50)
	}
}
