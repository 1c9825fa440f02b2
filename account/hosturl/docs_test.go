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

	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

const page = "../../docs/hosts/url.md"

// block is the first block of a language in the page.
func block(t *testing.T, language string) string {
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
`

// The application in the documentation keeps the contract.
func TestApplicationOfTheDocumentation(t *testing.T) {
	t.Parallel()
	python, folder := suite.Program(t, "/usr/bin/python3", "python3"), t.TempDir()
	database, code := filepath.Join(folder, "app.db"), filepath.Join(folder, "host.py")
	if err := os.WriteFile(code, []byte(block(t, "python")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), python, "-c", schema, database, ann().Credential).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	free, err := loopback.Free("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	app := exec.CommandContext(t.Context(), python, code)
	app.Env = append(os.Environ(), "REKEY_SECRET="+hostapp.Secret(hostapp.Key), "DATABASE="+database, "PORT="+strconv.Itoa(free.Port))
	app.Stdout, app.Stderr = &log, &log
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = app.Process.Kill()
		_ = app.Wait()
		if t.Failed() {
			t.Logf("%s", log.Bytes())
		}
	})
	await(t, free.String())
	h := open(t, "http://"+free.String()+"/rekey", hostapp.Secret(hostapp.Key))
	h.Check(t.Context(), "Test@example.com", func(rule string, err error) {
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	})
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
	for _, path := range []string{"  /find:\n", "  /account:\n", "  /change:\n"} {
		if n := bytes.Count(contract, []byte(path)); n != 1 {
			t.Errorf("%q is there %d times", path, n)
		}
	}
	if n := bytes.Count(contract, []byte("    post:\n")); n != 3 {
		t.Errorf("%d requests", n)
	}
}
