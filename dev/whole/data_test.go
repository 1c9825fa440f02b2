package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/loopback"
)

// used is a folder of data in which alice has a link that is open.
func used(t *testing.T) (data, token string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	p := running(t, nil, "--data", data)
	p.post(t, "/account/forgot_password", `{"email":"alice@example.com"}`)
	token = p.token(t, "alice")
	p.stop(t)
	return data, token
}

// Without its keys an open run is unreadable: it ends, and the start says so.
func TestKeysThatAreGone(t *testing.T) {
	t.Parallel()
	data, token := used(t)
	if err := os.RemoveAll(filepath.Join(data, "keys")); err != nil {
		t.Fatal(err)
	}
	p := running(t, nil, "--data", data)
	if want := "\nThe keys of " + data + " were gone, and new ones are made. Open resets that ended: 1. Links that were mailed before do not work.\n"; !strings.Contains(p.Out.String(), want) {
		t.Errorf("it says %s, want %s", p.Out, want)
	}
	if status, body := p.do(t, http.MethodGet, p.url+"/account/reset_password/"+token, ""); status != 400 {
		t.Errorf("the link of before: %d %s", status, body)
	}
	p.post(t, "/account/forgot_password", `{"email":"alice@example.com"}`)
	p.token(t, "alice") // and a new one is mailed
	p.stop(t)
	again := running(t, nil, "--data", data)
	if strings.Contains(again.Out.String(), "were gone") {
		t.Errorf("the second start says %s", again.Out)
	}
	again.stop(t)
}

// broken starts the program in a folder that it cannot use and returns its output.
func broken(t *testing.T, data string) string {
	t.Helper()
	p := launch(t, nil, "--data", data)
	if code := p.Exit(t); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	return p.Err.String()
}

// A damaged or missing file is named, with the remedy and its loss.
func TestFolderThatIsDamaged(t *testing.T) {
	t.Parallel()
	data, _ := used(t)
	for file, want := range map[string][]string{
		"keys/payload.json": {"keys/payload.json is missing", "put it back from a copy, or delete " + filepath.Join(data, "keys"), "open resets end and mailed links stop working, accounts and passwords stay"},
		"keys/link.json":    {"keys/link.json is missing", "put it back from a copy"},
	} {
		path := filepath.Join(data, file)
		kept, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		os.Remove(path)
		said(t, broken(t, data), want...)
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s was made anew", file)
		}
		write(t, path, string(kept))
	}
	write(t, filepath.Join(data, "keys", "salt.json"), "{}")
	said(t, broken(t, data), "salt.json is no keyset file", "the keysets belong together")
	if err := os.RemoveAll(filepath.Join(data, "keys")); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("this is no database of anybody's ", 1000)
	os.Remove(filepath.Join(data, "temporal.db-wal"))
	write(t, filepath.Join(data, "temporal.db"), text)
	said(t, broken(t, data), "temporal.db: it is damaged, or no database of Temporal: put a copy back, or delete it", "open resets end and mailed links stop working; accounts and passwords stay")
	write(t, filepath.Join(data, "accounts.db"), text)
	said(t, broken(t, data), "accounts.db is damaged, or no account store: put a copy back, or delete it: the seeded accounts are made again, and passwords that were set, sessions and mailed links are lost")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func said(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, part := range want {
		if !strings.Contains(got, part) {
			t.Errorf("it says %q, want %q", got, part)
		}
	}
}

// A request during the start waits for its answer, and leads to a mail: nothing is answered
// before the accounts are there.
func TestNothingIsAnsweredTooEarly(t *testing.T) {
	t.Parallel()
	free, err := loopback.Free("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.String()
	p := launch(t, nil, "--listen", addr, "--accounts", "20000")
	p.url = "http://" + addr
	p.Await(t, p.Out, "starting ") // before, it listens for a moment to see whether it can
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for late := time.After(2 * time.Minute); ; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			break
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("it does not listen: %s", p.Err)
		}
	}
	status, body := p.post(t, "/account/forgot_password", `{"email":"user20000@example.com"}`)
	said := p.Out.String()
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if !strings.Contains(said, "starting worker") {
		t.Errorf("it answers when it has said no more than %s", said)
	}
	p.ready(t)
	p.token(t, "user20000")
	p.stop(t)
}
