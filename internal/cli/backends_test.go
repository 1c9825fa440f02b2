package cli

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/backend"
	"github.com/rekeyhq/rekey/internal/testkit/authority"
)

const (
	backendToken = "0123456789abcdef0123456789abcdef"
	otherToken   = "fedcba9876543210fedcba9876543210"
)

// security 50: a forgotten setting lets no stranger in and sends no bearer in clear. One machine
// refuses the same.
func TestBackendsRefuseToStart(t *testing.T) {
	t.Parallel()
	own := authority.New(t)
	certificate, key := own.Issue(t, "rekey", nil)
	tokens := "--backends-token-file=" + secretFile(t, backendToken)
	near, far := "--backends-listen=127.0.0.1:0", "--backends-listen=:8443"
	cert, itsKey, ca := "--backends-tls-cert="+certificate, "--backends-tls-key="+key, "--backends-client-ca="+own.File
	for _, tc := range []struct {
		want  string
		flags []string
	}{
		{"--backends-listen ($REKEY_BACKENDS_LISTEN): no authentication", []string{near}},
		{"--backends-listen ($REKEY_BACKENDS_LISTEN): no authentication", []string{near, cert, itsKey}},
		{"--backends-listen ($REKEY_BACKENDS_LISTEN): want an address such as", []string{tokens}},
		{"--backends-listen ($REKEY_BACKENDS_LISTEN): want an address such as", []string{ca}},
		{"--backends-listen ($REKEY_BACKENDS_LISTEN): want an address such as", []string{cert}},
		{"--backends-listen ($REKEY_BACKENDS_LISTEN): want an address such as", []string{itsKey}},
		{"--backends-listen ($REKEY_BACKENDS_LISTEN): without --backends-tls-cert ($REKEY_BACKENDS_TLS_CERT) want an address of this machine", []string{far, tokens}},
		{"want an address of this machine", []string{"--backends-listen=10.0.0.5:8443", tokens}},
		{"want an address of this machine", []string{"--backends-listen=0.0.0.0:8443", tokens}},
		{"--backends-tls-cert ($REKEY_BACKENDS_TLS_CERT) and --backends-tls-key ($REKEY_BACKENDS_TLS_KEY): set both or none", []string{far, tokens, cert}},
		{"--backends-tls-cert ($REKEY_BACKENDS_TLS_CERT) and --backends-tls-key ($REKEY_BACKENDS_TLS_KEY): set both or none", []string{far, tokens, itsKey}},
		{"--backends-client-ca ($REKEY_BACKENDS_CLIENT_CA): needs --backends-tls-cert", []string{near, ca}},
		{"--backends-client-ca ($REKEY_BACKENDS_CLIENT_CA): needs --backends-tls-cert", []string{near, tokens, ca}},
		{"--backends-listen ($REKEY_BACKENDS_LISTEN): want HOST:PORT", []string{"--backends-listen=127.0.0.1", tokens}},
	} {
		wrong(t, starterArgs(t, tc.flags...), tc.want)
		refusedOne(t, oneArgs(t, tc.flags...), tc.want)
	}
	open := secretFile(t, backendToken)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	const file = "--backends-token-file ($REKEY_BACKENDS_TOKEN_FILE): "
	for flag, want := range map[string]string{
		secretFile(t, ""): file + "no secret is there", secretFile(t, backendToken[1:]): file + "line 1: the secret is too short",
		secretFile(t, backendToken+"\n"+backendToken[1:]): file + "line 2: the secret is too short",
		open: "others may read", open + ".none": "no such file",
	} {
		refused(t, starterArgs(t, near, "--backends-token-file="+flag), file, want)
	}
	refused(t, starterArgs(t, far, tokens, cert, "--backends-tls-key="+open), "--backends-tls-key ($REKEY_BACKENDS_TLS_KEY): ", "others may read")
	refused(t, starterArgs(t, far, cert, itsKey, "--backends-client-ca="+key), "--backends-client-ca ($REKEY_BACKENDS_CLIENT_CA): ", "has no certificate")
}

// heldFlows keeps calls until it is told to go on.
type heldFlows struct {
	backend.Flows

	began, goOn chan struct{}
}

func (h heldFlows) ResendInvitation(ctx context.Context, _ string) error {
	close(h.began)
	select {
	case <-h.goOn:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listener is the listener of a starter with these flags, and its part, which runs until stop.
func listener(t *testing.T, flows backend.Flows, flags ...string) (addr string, stop func(), ended <-chan error) {
	t.Helper()
	var c cli
	parser, err := newParser(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(starterArgs(t, append(flags, "--backends-listen=127.0.0.1:0")...)); err != nil {
		t.Fatal(err)
	}
	if err := c.Starter.check(); err != nil {
		t.Fatal(err)
	}
	access, err := c.Starter.access()
	if err != nil {
		t.Fatal(err)
	}
	p, log := logged(t)
	serve, err := c.Starter.listenForBackends(p, &operation{}, access, flows, nil)
	if err != nil {
		t.Fatal(err)
	}
	var line struct{ Addr string }
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- serve(ctx) }()
	t.Cleanup(stop)
	return line.Addr, stop, done
}

func askBackend(t *testing.T, url string, config *tls.Config, bearer string) (status int, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/invitations/resend", strings.NewReader(`{"address":"ann@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+bearer)
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// security 50: each setting has its effect: tokens, certificates of clients, and both.
func TestBackendsAreKnown(t *testing.T) {
	t.Parallel()
	own, backends := authority.New(t), authority.New(t)
	certificate, key := own.Issue(t, "rekey", nil)
	files := []string{"--backends-tls-cert=" + certificate, "--backends-tls-key=" + key}
	tokens, ca := "--backends-token-file="+secretFile(t, backendToken+"\n"+otherToken), "--backends-client-ca="+backends.File
	orders, ordersKey := backends.Issue(t, "orders", nil)
	known, unknown := own.Client(t, orders, ordersKey), own.Client(t)
	for _, tc := range []struct {
		name   string
		flags  []string
		client *tls.Config
		bearer string
		status int // 0 is no answer
	}{
		{"a token", append(files, tokens), unknown, backendToken, 202},
		{"the other token", append(files, tokens), unknown, otherToken, 202},
		{"no token", append(files, tokens), unknown, backendToken[1:], 401},
		{"a certificate", append(files, ca), known, "", 202},
		{"no certificate", append(files, ca), unknown, backendToken, 0},
		{"both", append(files, ca, tokens), known, backendToken, 202},
		{"the certificate alone", append(files, ca, tokens), known, "", 401},
		{"the token alone", append(files, ca, tokens), unknown, backendToken, 0},
	} {
		flows := heldFlows{began: make(chan struct{}), goOn: make(chan struct{})}
		close(flows.goOn)
		addr, stop, ended := listener(t, flows, tc.flags...)
		if status, err := askBackend(t, "https://"+addr, tc.client, tc.bearer); status != tc.status {
			t.Errorf("%s: %d, %v", tc.name, status, err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("%s: the end: %v", tc.name, err)
		}
	}
}

// A listener that stops finishes the requests in progress.
func TestBackendsStopGracefully(t *testing.T) {
	t.Parallel()
	flows := heldFlows{began: make(chan struct{}), goOn: make(chan struct{})}
	addr, stop, ended := listener(t, flows, "--backends-token-file="+secretFile(t, backendToken))
	answered := make(chan int, 1)
	go func() {
		status, err := askBackend(t, "http://"+addr, nil, backendToken)
		if err != nil {
			t.Error(err)
		}
		answered <- status
	}()
	again, late := time.NewTicker(time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	select {
	case <-flows.began:
	case <-late:
		t.Fatal("no request has come")
	}
	stop()
	for open := true; open; { // the listener is closed first
		select {
		case <-again.C:
			_, err := askBackend(t, "http://"+addr, nil, "")
			open = err == nil
		case <-late:
			t.Fatal("it still listens")
		}
	}
	select {
	case err := <-ended:
		t.Errorf("it ended with a request in progress: %v", err)
	default:
	}
	close(flows.goOn)
	if status := <-answered; status != http.StatusAccepted {
		t.Error(status)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// An address that is taken is named by its flag.
func TestBackendsListenerThatIsTaken(t *testing.T) {
	t.Parallel()
	taken := silent(t)
	s := &starterCmd{}
	s.BackendsListen = taken.Addr().String()
	tokens, err := backend.ParseTokens(backendToken)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := logged(t)
	if _, err := s.listenForBackends(p, &operation{}, access{tokens: tokens}, heldFlows{}, nil); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Error(err)
	}
}

// Compose sets unset variables to "". An empty path is none.
func TestNoBackendsByEmptyVariables(t *testing.T) {
	for _, name := range []string{"LISTEN", "TOKEN_FILE", "TLS_CERT", "TLS_KEY", "CLIENT_CA"} {
		t.Setenv("REKEY_BACKENDS_"+name, "")
	}
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	refused(t, starterArgs(t, "--keys", filepath.Join(t.TempDir(), "none")), "no such file")
}
