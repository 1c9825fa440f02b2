package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
)

const codecSecret = "0123456789abcdef0123456789abcdef"

// codecArgs is a command line of a codec server without authentication.
func codecArgs(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{
		"codec", "--keys", newKeys(t), "--ui-origin", "https://temporal.example.com", "--listen", "127.0.0.1:0",
	}, more...)
}

// secretFile keeps a secret as an editor would, with a line break.
func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// security 27: a forgotten setting lets no caller in.
func TestCodecRefusesToStart(t *testing.T) {
	t.Parallel()
	bearer := "--bearer-file=" + secretFile(t, codecSecret)
	wrong(t, codecArgs(t), "no authentication: set", "$REKEY_BEARER_FILE", "$REKEY_OIDC_ISSUER", "$REKEY_PROXY_SECRET_FILE")
	wrong(t, []string{"codec", "--keys", newKeys(t), bearer}, "--ui-origin ($REKEY_UI_ORIGIN)")
	wrong(t, codecArgs(t, bearer, "--ui-origin=*"), "--ui-origin ($REKEY_UI_ORIGIN): want an origin")
	refused(t, codecArgs(t, bearer, "--listen=256.0.0.1:1"), "--listen ($REKEY_CODEC_LISTEN)")
	refused(t, codecArgs(t, bearer, "--keys="+t.TempDir()), "payload", "no such file")
	short := secretFile(t, codecSecret[1:])
	refused(t, codecArgs(t, "--bearer-file="+short), "--bearer-file ($REKEY_BEARER_FILE): the secret is too short")
	refused(t, codecArgs(t, "--proxy-secret-file="+short), "--proxy-secret-file ($REKEY_PROXY_SECRET_FILE): the secret is too short")
	refused(t, codecArgs(t, bearer, "--proxy-secret-file="+short), "--proxy-secret-file ($REKEY_PROXY_SECRET_FILE)")
	refused(t, codecArgs(t, "--bearer-file="+short+".none"), "--bearer-file ($REKEY_BEARER_FILE)", "no such file")
	wrong(t, codecArgs(t, bearer, "--oidc-issuer=https://login.example.com"), "--oidc-audience ($REKEY_OIDC_AUDIENCE): set both or none")
	wrong(t, codecArgs(t, bearer, "--oidc-audience=temporal-ui"), "--oidc-issuer ($REKEY_OIDC_ISSUER)")
	refused(t, codecArgs(t, "--oidc-issuer=http://login.example.com", "--oidc-audience=temporal-ui"), "--oidc-issuer ($REKEY_OIDC_ISSUER)", "https")
}

// The codec server needs payload.json and starts without the other keysets.
func TestCodecServes(t *testing.T) {
	t.Parallel()
	issuer := &oidctest.Server{}
	login := httptest.NewServer(issuer)
	defer login.Close()
	issuer.SetIssuer(login.URL)
	url, stop := serveCodec(t, "--bearer-file", secretFile(t, codecSecret), "--oidc-issuer", login.URL, "--oidc-audience", "temporal-ui")
	for authorization, want := range map[string]int{"Bearer " + codecSecret: 200, "Bearer wrong": 401, "": 401} {
		if resp := askCodec(t, url, authorization, nil); resp.StatusCode != want || resp.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%q: %d %v", authorization, resp.StatusCode, resp.Header)
		}
	}
	stop()
}

func TestCodecServesBehindAProxy(t *testing.T) {
	t.Parallel()
	url, stop := serveCodec(t, "--proxy-secret-file", secretFile(t, codecSecret), "--proxy-user-header", "X-Auth-Request-User")
	resp := askCodec(t, url, "Bearer "+codecSecret, map[string]string{"X-Auth-Request-User": "olga"})
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	if resp := askCodec(t, url, "Bearer "+codecSecret, map[string]string{"X-Forwarded-User": "olga"}); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("another header: %d", resp.StatusCode)
	}
	if log := stop(); !strings.Contains(log, `"who":"olga"`) || strings.Contains(log, codecSecret) {
		t.Errorf("log: %s", log)
	}
}

// serveCodec runs the command with payload.json only, until stop, which returns its log.
func serveCodec(t *testing.T, args ...string) (url string, stop func() string) {
	t.Helper()
	all := codecArgs(t, args...)
	for _, file := range []string{"link", "submission", "submission.pub", "account", "salt"} {
		if err := os.Remove(filepath.Join(all[2], file+".json")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	lines, log := io.Pipe()
	ended := make(chan error, 1)
	go func() { err := run(ctx, all, io.Discard, log); log.CloseWithError(err); ended <- err }()
	var line struct{ Addr string }
	var read bytes.Buffer
	decoder := json.NewDecoder(io.TeeReader(lines, &read))
	if err := decoder.Decode(&line); err != nil || line.Addr == "" {
		t.Fatalf("log: %s %v", read.String(), err)
	}
	drained := make(chan struct{})
	go func() { defer close(drained); _, _ = io.Copy(&read, lines) }()
	return "http://" + line.Addr, func() string {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the end: %v", err)
		}
		<-drained
		return read.String()
	}
}

func askCodec(t *testing.T, url, authorization string, headers map[string]string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/decode", strings.NewReader(`{"payloads":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://temporal.example.com")
	r.Header.Set("Authorization", authorization)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp
}
