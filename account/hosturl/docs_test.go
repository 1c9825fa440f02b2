package hosturl_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account/hosturl"
	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/internal/testkit/mariadbtest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

func TestMain(m *testing.M) { os.Exit(mariadbtest.Run(m.Run)) }

const (
	page       = "../../docs/hosts/url.md"
	eventsPage = "../../docs/hosts/events.md"
)

// block is the first block of a language in a page.
func block(t *testing.T, page, language string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n```"+language+"\n")
	code, _, ok := strings.Cut(rest, "\n```\n")
	if !ok {
		t.Fatalf("%s has no block of %s", page, language)
	}
	return code
}

const schema = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, password TEXT, closed INTEGER DEFAULT 0)")
    db.execute("CREATE TABLE sessions (user_id INTEGER)")
    db.execute("INSERT INTO users (email, password) VALUES ('test@example.com', ?)", [sys.argv[2]])
    for i in range(11):
        db.execute("INSERT INTO users (email) VALUES (?)", [f"{i}@example.com"])
`

// The applications in the documentation keep the contract.
func TestApplicationsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	t.Run("Python", func(t *testing.T) {
		t.Parallel()
		python, database := suite.Program(t, "/usr/bin/python3", "python3"), filepath.Join(t.TempDir(), "app.db")
		if out, err := exec.CommandContext(t.Context(), python, "-c", schema, database, ann().Credential).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		keeps(t, "DATABASE="+database).with(python, file(t, "host.py", block(t, page, "python")))
	})
	t.Run("PHP", func(t *testing.T) {
		t.Parallel()
		php := suite.Program(t, "php")
		if exec.CommandContext(t.Context(), php, "-r", "new ReflectionClass('mysqli');").Run() != nil {
			suite.Missing(t, "php-mysql")
		}
		db, name := mariadbtest.Database(t, wordPress)
		mariadbtest.Exec(t, db, "INSERT wp_users (user_email, user_pass) VALUES ('test@example.com', '$wp"+strings.Replace(ann().Credential, "$2b$", "$2y$", 1)+"')",
			"INSERT wp_users (user_email) SELECT CONCAT(seq, '@example.com') FROM seq_1_to_11")
		app := keeps(t, "DB_NAME="+name, "DB_USER=root", "DB_PASSWORD=", "DB_SOCKET="+mariadbtest.Socket())
		app.with(php, "-S", app.addr, file(t, "host.php", block(t, page, "php")))
	})
}

// wordPress has the tables that the example uses, as WordPress makes them.
const wordPress = `
	CREATE TABLE wp_users (ID bigint(20) unsigned NOT NULL auto_increment PRIMARY KEY, user_login varchar(60) NOT NULL default '',
		user_pass varchar(255) NOT NULL default '', user_email varchar(100) NOT NULL default '', user_activation_key varchar(255) NOT NULL default '',
		KEY user_email (user_email)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
	CREATE TABLE wp_usermeta (umeta_id bigint(20) unsigned NOT NULL auto_increment PRIMARY KEY, user_id bigint(20) unsigned NOT NULL default '0',
		meta_key varchar(255) default NULL, meta_value longtext, KEY user_id (user_id)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci`

func file(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kept is a check of an application that is to be started.
type kept struct {
	*testing.T
	addr string
	env  []string
}

func keeps(t *testing.T, env ...string) kept {
	t.Helper()
	free, err := loopback.Free("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return kept{t, free.String(), append(env, "REKEY_SECRET="+hostapp.Secret(hostapp.Key), "PORT="+strconv.Itoa(free.Port))}
}

// with starts the application and holds it to the contract.
func (k kept) with(program string, args ...string) {
	k.Helper()
	k.start(program, args...)
	h := open(k.T, "http://"+k.addr+"/rekey", hostapp.Secret(hostapp.Key))
	h.Check(k.Context(), "Test@example.com", func(rule string, err error) {
		if err != nil {
			k.Errorf("%s: %v", rule, err)
		}
	})
	listed := map[string]bool{}
	for after := ""; len(listed) < 100; {
		page, err := h.Accounts(k.Context(), after, 1)
		if err != nil {
			k.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		after = page[0].ID
		listed[after] = true
	}
	if len(listed) != 12 {
		k.Errorf("%d accounts of 12 are listed", len(listed))
	}
}

// start starts the application.
func (k kept) start(program string, args ...string) {
	k.Helper()
	var log bytes.Buffer
	app := exec.CommandContext(k.Context(), program, args...)
	app.Env = append(os.Environ(), k.env...)
	app.Stdout, app.Stderr = &log, &log
	if err := app.Start(); err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() {
		_ = app.Process.Kill()
		_ = app.Wait()
		if k.Failed() {
			k.Logf("%s", log.Bytes())
		}
	})
	await(k.T, k.addr)
}

const sessions = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as db:
    db.execute("CREATE TABLE IF NOT EXISTS not_before (account TEXT PRIMARY KEY, at REAL)")
    print(*db.execute("SELECT account, at FROM not_before").fetchall())
`

// The receiver in the documentation keeps the time of the last change, and takes no forged event.
func TestReceiverOfTheDocumentation(t *testing.T) {
	t.Parallel()
	python, database := suite.Program(t, "/usr/bin/python3", "python3"), filepath.Join(t.TempDir(), "app.db")
	kept := func() string {
		out, err := exec.CommandContext(t.Context(), python, "-c", sessions, database).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	kept()
	app := keeps(t, "DATABASE="+database)
	app.start(python, file(t, "events.py", block(t, eventsPage, "python")))
	send := func(secret []byte, event string) error {
		r, err := hosturl.OpenReceiver("http://"+app.addr+"/rekey/events", hostapp.Secret(secret))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		return r.Receive(t.Context(), "evt", []byte(event))
	}
	documented := block(t, eventsPage, "json")
	later := strings.Replace(documented, "2026-03-01T12:00:00.5Z", "2026-03-01T12:00:01.123456789Z", 1)
	other := strings.Replace(strings.Replace(documented, "password.changed", "reset.requested", 1), `"ann"`, `"bob"`, 1)
	for _, tc := range []struct{ event, want string }{
		{documented, "('ann', 1772366400.5)"},
		{later, "('ann', 1772366401.123456)"},
		{documented, "('ann', 1772366401.123456)"},
		{other, "('ann', 1772366401.123456)"},
	} {
		if err := send(hostapp.Key, tc.event); err != nil || kept() != tc.want {
			t.Errorf("%v, kept %s, want %s, after %s", err, kept(), tc.want, tc.event)
		}
	}
	if err := send(make([]byte, 32), strings.Replace(documented, "2026", "2027", 1)); err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(kept(), "18") {
		t.Errorf("a forged event: %v, kept %s", err, kept())
	}
}

// await waits until somebody listens.
func await(t *testing.T, addr string) {
	t.Helper()
	again, late := time.NewTicker(50*time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	for {
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatal("the application does not listen")
		}
	}
}

// The contract has the requests that are sent, and no others.
func TestContract(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"  /find:\n", "  /account:\n", "  /change:\n", "  /accounts:\n"} {
		if n := bytes.Count(contract, []byte(path)); n != 1 {
			t.Errorf("%q is there %d times", path, n)
		}
	}
	if n := bytes.Count(contract, []byte("    post:\n")); n != 4 {
		t.Errorf("%d requests", n)
	}
}
