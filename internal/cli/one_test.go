package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/codecserver"
)

// refusedOne is refused for a command line of `rekey one`. No part of it starts.
func refusedOne(t *testing.T, args []string, parts ...string) {
	t.Helper()
	err := run(t.Context(), args, io.Discard, io.Discard, One(Embedded{}))
	if err == nil {
		t.Fatalf("rekey %s went well", strings.Join(args, " "))
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("rekey %s: %v; want %q in it", strings.Join(args, " "), err, part)
		}
	}
}

// oneArgs is a whole command line.
func oneArgs(t *testing.T, more ...string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := secretFile(t, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	return append([]string{
		"one", "--data", dir, "--base-url", "https://accounts.example.com", "--login-url", "https://app.example.com/login",
		"--product", "Harbor", "--support", "help@example.com", "--from", "no-reply@example.com", "--smtp-host", "127.0.0.1", "--smtp-security", "none",
		"--users-url", "https://app.example.com/rekey", "--users-secret-file", secret,
	}, more...)
}

// security 41: one machine refuses what production refuses, and settings that would not be used.
func TestOneRefuses(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{
		"--base-url=http://accounts.example.com":         "--base-url ($REKEY_BASE_URL): must be https",
		"--users-url=http://app.example.com/rekey":       "--users-url ($REKEY_USERS_URL)",
		"--smtp-host=mail.example.com":                   "--smtp-security ($REKEY_SMTP_SECURITY): none is for loopback only",
		"--store=postgres://rekey@db.example.com/rekey":  "--store ($REKEY_STORE)",
		"--store=/srv/elsewhere/records.db":              "--store ($REKEY_STORE): want a file in --data ($REKEY_DATA)",
		"--login-url=":                                   "set --login-url ($REKEY_LOGIN_URL)",
		"--login-url=javascript:alert(1)":                "--login-url ($REKEY_LOGIN_URL)",
		"--users-url=":                                   "set --users-url ($REKEY_USERS_URL) or --store ($REKEY_STORE)",
		"--temporal-db=postgres://t@db.example.com/t":    "--temporal-db ($REKEY_TEMPORAL_DB): the connection to another machine must be encrypted",
		"--temporal-db=postgres://t:secret@127.0.0.1/t":  "--temporal-db ($REKEY_TEMPORAL_DB): the URL must hold no password",
		"--temporal-db=mysql://t@127.0.0.1/t":            "--temporal-db ($REKEY_TEMPORAL_DB): want a URL such as postgres://",
		"--temporal-db-password-file=/run/secret":        "want a --temporal-db ($REKEY_TEMPORAL_DB)",
		"--temporal-listen=0.0.0.0:7233":                 "--temporal-listen ($REKEY_TEMPORAL_LISTEN): want an address of this machine",
		"--temporal-listen=":                             "--temporal-listen ($REKEY_TEMPORAL_LISTEN): want HOST:PORT",
		"--ui-listen=:8233":                              "--ui-listen ($REKEY_UI_LISTEN): want an address of this machine",
		"--ui-origin=http://temporal.example.com":        "--ui-origin ($REKEY_UI_ORIGIN): want https",
		"--oidc-issuer=https://login.example.com":        "--oidc-audience ($REKEY_OIDC_AUDIENCE): set both or none",
		"--link-life=48h":                                "--link-life ($REKEY_LINK_LIFE): want 1m to 24h",
		"--mail-limit=0":                                 "--mail-limit ($REKEY_MAIL_LIMIT)",
		"--ops-listen=9090":                              "--ops-listen ($REKEY_OPS_LISTEN)",
		"--events-url=https://events.example.com/events": "--events-secret-file ($REKEY_EVENTS_SECRET_FILE)",
	} {
		refusedOne(t, oneArgs(t, flag), want)
	}
	refusedOne(t, []string{"one"}, "set --data ($REKEY_DATA)", "--base-url ($REKEY_BASE_URL)")
}

// Settings of other commands would not be used.
func TestOneRefusesForeignSettings(t *testing.T) {
	for name, want := range map[string]string{
		"TEMPORAL_ADDRESS": "TEMPORAL_ADDRESS: unset it", "TEMPORAL_NAMESPACE": "TEMPORAL_NAMESPACE: unset it",
		"REKEY_DEPLOYMENT": "REKEY_DEPLOYMENT: unset it", "REKEY_KEYS": "REKEY_KEYS: unset it, or name ",
	} {
		t.Setenv(name, "other")
		refusedOne(t, oneArgs(t), want)
		t.Setenv(name, "")
	}
}

// logged is a process with a log that the test reads.
func logged(t *testing.T) (*process, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	return &process{ctx: t.Context(), log: zerolog.New(&log), compression: "auto"}, &log
}

// opens opens a folder and closes it again.
func opens(t *testing.T, dir string) (log string, err error) {
	t.Helper()
	p, text := logged(t)
	h, err := openHome(p, dir)
	if err == nil {
		err = h.close()
	}
	return text.String(), err
}

// The first start fills a folder for its owner. Later ones keep what is there.
func TestHome(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rekey")
	log, err := opens(t, dir)
	if err != nil || !strings.Contains(log, "made keysets") {
		t.Fatalf("first start: %v, log %s", err, log)
	}
	kept := map[string]string{}
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if entry.Name() == lockFile {
			return nil
		}
		text, err := os.ReadFile(path)
		kept[path] = string(text)
		return err
	})
	if err != nil || len(kept) != 7 || len(kept[filepath.Join(dir, operatorsFile)]) <= codecserver.MinSecret {
		t.Fatalf("files %v, %v", kept, err)
	}
	if log, err := opens(t, dir); err != nil || log != "" {
		t.Errorf("second start: %v, log %s", err, log)
	}
	for path, text := range kept {
		if now, err := os.ReadFile(path); err != nil || string(now) != text {
			t.Errorf("%s has changed: %v", path, err)
		}
	}
}

// A folder is refused that others may look into, that another process has, or that has lost keysets.
func TestHomeRefuses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rekey")
	refuses := func(want string) {
		t.Helper()
		if _, err := opens(t, dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	p, _ := logged(t)
	h, err := openHome(p, dir)
	if err != nil {
		t.Fatal(err)
	}
	refuses("another process uses this folder")
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o750, 0o701} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		refuses("chmod 700 " + dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "keys", "salt.json"), filepath.Join(dir, "salt.json")); err != nil {
		t.Fatal(err)
	}
	refuses("none for salt: restore it from your copy")
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, "keys")), os.WriteFile(filepath.Join(dir, runsFile), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	refuses("put it back from your copy")
	if err := os.Mkdir(filepath.Join(dir, "keys"), 0o700); err != nil { // a volume that is not mounted
		t.Fatal(err)
	}
	refuses("put it back from your copy")
}

// security 24, 27: Temporal's UI is for operators with their secret. It gets no header
// Authorization: with one it would take requests of other pages too.
func TestFront(t *testing.T) {
	t.Parallel()
	way, err := codecserver.Basic(codecSecret)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	seen := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Seen", name+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		}
	}
	f := front{[]codecserver.Auth{way}, seen("ui"), seen("codec"), zerolog.New(&log)}
	for _, tc := range []struct {
		method, path, secret string
		status               int
		seen                 string
	}{
		{http.MethodGet, "/", "", 401, ""},
		{http.MethodGet, "/", codecSecret[1:], 401, ""},
		{http.MethodPost, "/api/v1/namespaces", "", 401, ""},
		{http.MethodGet, "/codec", "", 401, ""},
		{http.MethodGet, "/namespaces", codecSecret, 200, "ui /namespaces "},
		{http.MethodPost, "/api/v1/x", codecSecret, 200, "ui /api/v1/x "},
		{http.MethodPost, "/codec/decode", "", 200, "codec /decode "},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, nil)
		if tc.secret != "" {
			r.SetBasicAuth("olga", tc.secret)
		}
		f.ServeHTTP(w, r)
		if w.Code != tc.status || w.Header().Get("Seen") != tc.seen {
			t.Errorf("%+v: %d, %q", tc, w.Code, w.Header().Get("Seen"))
		}
		if (w.Code == 401) != strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("%+v: WWW-Authenticate %q", tc, w.Header().Get("WWW-Authenticate"))
		}
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"who":"olga"`) || !strings.Contains(got, "/api/v1/x") {
		t.Errorf("log %s", got)
	}
}

// Parts of the core stop when those of the edge have ended, which stop together.
func TestPartsStopInOrder(t *testing.T) {
	t.Parallel()
	all, meet := newParts(t.Context()), make(chan struct{})
	edgeEnded := 0
	all.start("worker", core, func(ctx context.Context) error {
		<-ctx.Done()
		if edgeEnded != 2 {
			return io.ErrUnexpectedEOF
		}
		return nil
	})
	all.start("UI", edge, func(ctx context.Context) error {
		<-ctx.Done()
		meet <- struct{}{}
		edgeEnded++
		meet <- struct{}{}
		return nil
	})
	all.start("starter", edge, func(ctx context.Context) error { <-ctx.Done(); <-meet; <-meet; edgeEnded++; return nil })
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := all.wait(ctx); err != nil {
		t.Errorf("%d parts of the edge had ended, %v", edgeEnded, err)
	}
}

// A part that ends by itself ends all, with an error that names it.
func TestPartEndsByItself(t *testing.T) {
	t.Parallel()
	for _, reason := range []error{nil, io.ErrUnexpectedEOF} {
		all := newParts(t.Context())
		stopped := false
		all.start("worker", core, func(ctx context.Context) error { <-ctx.Done(); stopped = true; return nil })
		all.start("starter", edge, func(context.Context) error { return reason })
		err := all.wait(t.Context())
		want := "starter: it ended by itself"
		if reason != nil {
			want = "starter: " + reason.Error()
		}
		if err == nil || err.Error() != want || !stopped {
			t.Errorf("error %v, the other part stopped: %v", err, stopped)
		}
	}
}
