package backend_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/backend"
	"github.com/rekeyhq/rekey/internal/testkit/authority"
	"github.com/rekeyhq/rekey/web"
)

// serve answers requests with a handler on a socket, with TLS unless config is nil, and returns its
// address.
func serve(t *testing.T, h http.Handler, config *tls.Config) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	addr = listener.Addr().String()
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- web.Serve(ctx, listener, h, zerolog.Nop()) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return addr
}

// secured is the configuration of a listener with a certificate of an authority. It wants clients of
// the others.
func secured(t *testing.T, a *authority.Authority, clients ...*authority.Authority) *tls.Config {
	t.Helper()
	config, err := backend.TLS(a.Issue(t, "rekey", nil))
	check(t, err)
	for _, c := range clients {
		check(t, backend.RequireClients(config, c.File))
	}
	return config
}

// call sends a request of a backend over a new connection.
func call(t *testing.T, target string, config *tls.Config, bearer string) (status int, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), post, target+resend, strings.NewReader(`{"address":"ann@example.com"}`))
	check(t, err)
	r.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// security 50: over TLS the bearer counts, and clear text is not answered.
func TestBearerOverTLS(t *testing.T) {
	t.Parallel()
	own := authority.New(t)
	flows := &fakeFlows{}
	h, _ := newHandler(t, flows)
	addr := serve(t, h, secured(t, own))
	for bearer, want := range map[string]int{token: 202, other: 202, token[1:]: 401, "": 401} {
		if status, err := call(t, "https://"+addr, own.Client(t), bearer); status != want {
			t.Errorf("%q: %d, %v", bearer, status, err)
		}
	}
	taken := flows.taken()
	if strings.Count(taken, "resend") != 2 || !strings.Contains(taken, "by token 1 from 127.0.0.1") || !strings.Contains(taken, "by token 2 from 127.0.0.1") {
		t.Errorf("called %s", taken)
	}
	if status, err := call(t, "http://"+addr, nil, token); status == 202 || flows.taken() != taken {
		t.Errorf("in clear: %d, %v", status, err)
	}
	old := own.Client(t)
	old.MinVersion, old.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	if status, err := call(t, "https://"+addr, old, token); err == nil {
		t.Errorf("TLS 1.1: %d", status)
	}
}

// security 50: a client certificate is of the authority of backends, for clients, and valid now.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	own, backends, stranger := authority.New(t), authority.New(t), authority.New(t)
	flows := &fakeFlows{}
	h, log := newHandler(t, flows, func(c *backend.Config) { c.Tokens, c.Certificates = nil, true })
	addr := serve(t, h, secured(t, own, backends))
	issue := func(a *authority.Authority, change func(*x509.Certificate)) *tls.Config {
		certificate, key := a.Issue(t, "orders", change)
		return own.Client(t, certificate, key)
	}
	for name, client := range map[string]*tls.Config{
		"none":                    own.Client(t),
		"another authority":       issue(stranger, nil),
		"authority of the server": issue(own, nil),
		"expired":                 issue(backends, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
		"not yet valid":           issue(backends, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }),
		"for servers":             issue(backends, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
	} {
		client.MaxVersion = tls.VersionTLS12 // the refusal of the certificate reaches the client before it sends
		if status, err := call(t, "https://"+addr, client, token); err == nil || flows.taken() != "" {
			t.Errorf("%s: %d, called %s", name, status, flows.taken())
		}
		client.MaxVersion = 0
		if status, err := call(t, "https://"+addr, client, token); err == nil || flows.taken() != "" {
			t.Errorf("%s: %d, called %s", name, status, flows.taken())
		}
	}
	if status, err := call(t, "https://"+addr, issue(backends, nil), ""); status != 202 || flows.taken() != "resend ann@example.com by orders from 127.0.0.1" {
		t.Errorf("%d, %v, called %s", status, err, flows.taken())
	}
	if !strings.Contains(log.String(), `"caller":"orders"`) {
		t.Errorf("log %s", log)
	}
}

// The name of a backend is in its certificate, wherever its authority writes names.
func TestNamesInCertificates(t *testing.T) {
	t.Parallel()
	own := authority.New(t)
	for name, change := range map[string]func(*x509.Certificate){
		"orders":             nil,
		"orders.example.com": func(c *x509.Certificate) { c.Subject.CommonName, c.DNSNames = "", []string{"orders.example.com"} },
		"spiffe://example.com/ns/orders": func(c *x509.Certificate) {
			c.Subject.CommonName, c.URIs = "", []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: "/ns/orders"}}
		},
		"certificate": func(c *x509.Certificate) { c.Subject.CommonName = "" },
	} {
		flows := &fakeFlows{}
		h, _ := newHandler(t, flows, func(c *backend.Config) { c.Tokens, c.Certificates = nil, true })
		addr := serve(t, h, secured(t, own, own))
		certificate, key := own.Issue(t, "orders", change)
		if status, err := call(t, "https://"+addr, own.Client(t, certificate, key), ""); status != 202 || !strings.Contains(flows.taken(), " by "+name) {
			t.Errorf("%s: %d, %v, called %s", name, status, err, flows.taken())
		}
	}
}

// security 50: with both, both are wanted.
func TestBearerAndCertificate(t *testing.T) {
	t.Parallel()
	own := authority.New(t)
	flows := &fakeFlows{}
	h, _ := newHandler(t, flows, func(c *backend.Config) { c.Certificates = true })
	addr := serve(t, h, secured(t, own, own))
	certificate, key := own.Issue(t, "orders", nil)
	if status, err := call(t, "https://"+addr, own.Client(t, certificate, key), ""); status != 401 || flows.taken() != "" {
		t.Errorf("without a bearer: %d, %v", status, err)
	}
	if status, err := call(t, "https://"+addr, own.Client(t), token); err == nil || flows.taken() != "" {
		t.Errorf("without a certificate: %d", status)
	}
	if status, err := call(t, "https://"+addr, own.Client(t, certificate, key), other); status != 202 || !strings.Contains(flows.taken(), "by orders, token 2") {
		t.Errorf("with both: %d, %v, called %s", status, err, flows.taken())
	}
	// A listener that does not verify certificates lets nobody in.
	addr = serve(t, h, secured(t, own))
	if status, err := call(t, "https://"+addr, own.Client(t, certificate, key), token); status != 401 {
		t.Errorf("an unverified certificate: %d, %v", status, err)
	}
}

// A renewed certificate counts for the next connection.
func TestRenewedCertificate(t *testing.T) {
	t.Parallel()
	before, after := authority.New(t), authority.New(t)
	certificate, key := before.Issue(t, "rekey", nil)
	config, err := backend.TLS(certificate, key)
	check(t, err)
	h, _ := newHandler(t, &fakeFlows{})
	addr := serve(t, h, config)
	for step, trusted := range []*authority.Authority{before, after} {
		for i, a := range []*authority.Authority{before, after} {
			if status, err := call(t, "https://"+addr, a.Client(t), token); (status == 202) != (a == trusted) {
				t.Errorf("step %d, authority %d: %d, %v", step, i, status, err)
			}
		}
		newCertificate, newKey := after.Issue(t, "rekey", nil)
		check(t, errors.Join(os.Rename(newCertificate, certificate), os.Rename(newKey, key)))
	}
}

// security 24: a listener does not begin with files that it cannot use, or whose key others read.
func TestFilesOfTLS(t *testing.T) {
	t.Parallel()
	own := authority.New(t)
	certificate, key := own.Issue(t, "rekey", nil)
	_, anotherKey := own.Issue(t, "rekey", nil)
	_, open := own.Issue(t, "rekey", nil)
	check(t, os.Chmod(open, 0o644))
	for want, files := range map[string][2]string{
		"no such file":            {certificate + ".none", key},
		"private key does not":    {certificate, anotherKey},
		"failed to find any PEM":  {os.DevNull, key},
		"others may read":         {certificate, open},
		"open " + key + ".none: ": {certificate, key + ".none"},
	} {
		if _, err := backend.TLS(files[0], files[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, file := range []string{key, os.DevNull, own.File + ".none"} {
		config := &tls.Config{}
		if err := backend.RequireClients(config, file); err == nil || config.ClientCAs != nil {
			t.Errorf("%s is taken for an authority", file)
		}
	}
}

// A complete request is carried out and answered although its sender has closed its side of the
// connection, which ends the context of the request.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	closed := make(chan context.Context, 1)
	flows := &fakeFlows{call: func(ctx context.Context) error {
		<-(<-closed).Done()
		return ctx.Err()
	}}
	h, _ := newHandler(t, flows)
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closed <- r.Context()
		h.ServeHTTP(w, r)
	}), nil)
	conn, err := net.Dial("tcp", addr)
	check(t, err)
	defer conn.Close()
	check(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	const body = `{"address":"ann@example.com"}`
	_, err = io.WriteString(conn, "POST "+resend+" HTTP/1.1\r\nHost: rekey\r\nAuthorization: Bearer "+token+
		"\r\nContent-Type: application/json\r\nContent-Length: 29\r\n\r\n"+body)
	check(t, errors.Join(err, conn.(*net.TCPConn).CloseWrite()))
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 202 ") {
		t.Errorf("%v, %s", err, answer)
	}
}

// The calls of a request end before the server cuts its answer off.
func TestCallsEnd(t *testing.T) {
	t.Parallel()
	left := make(chan time.Duration, 2)
	h, _ := newHandler(t, &fakeFlows{call: func(ctx context.Context) error {
		until, _ := ctx.Deadline()
		left <- time.Until(until)
		return nil
	}})
	addr := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		until, _ := r.Context().Deadline()
		h.ServeHTTP(w, r)
		left <- time.Until(until)
	}), nil)
	if status, err := call(t, "http://"+addr, nil, token); status != 202 {
		t.Fatal(status, err)
	}
	if calls, server := <-left, <-left; calls <= 0 || calls >= server {
		t.Errorf("the calls have %s, and the server %s", calls, server)
	}
}

// security 19: a client that does not shake hands, or sends a byte of its header now and then, is cut off.
// Package web tests the same server with bodies.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	own := authority.New(t)
	h, _ := newHandler(t, &fakeFlows{})
	addr := serve(t, h, secured(t, own))
	const head = "POST " + resend + " HTTP/1.1\r\nHost: rekey\r\n"
	for name, tc := range map[string]struct {
		connect func() (net.Conn, error)
		begin   string
	}{
		"handshake": {func() (net.Conn, error) { return net.Dial("tcp", addr) }, ""},
		"header":    {func() (net.Conn, error) { return tls.Dial("tcp", addr, own.Client(t)) }, head + "X-Slow: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := tc.connect()
			check(t, err)
			defer conn.Close()
			check(t, conn.SetDeadline(time.Now().Add(time.Minute))) // a client that is never cut off ends here
			_, err = io.WriteString(conn, tc.begin)
			check(t, err)
			if name != "handshake" {
				go drip(conn)
			}
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("still open: %v", err)
			}
		})
	}
}

// drip sends a byte at a time until the other side closes.
func drip(conn net.Conn) {
	for again := time.NewTicker(200 * time.Millisecond); ; <-again.C {
		if _, err := conn.Write([]byte("x")); err != nil {
			again.Stop()
			return
		}
	}
}

// endless is a body that counts its read bytes.
type endless struct {
	left  int64
	taken atomic.Int64 // the transport goes on for a moment when the answer is there
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(int64(len(b)), e.left)
	e.left -= n
	e.taken.Add(n)
	return int(n), nil
}

// security 19: of a body of a gigabyte little more than the limit is read, for strangers too.
func TestGigabyteIsCutOff(t *testing.T) {
	t.Parallel()
	h, _ := newHandler(t, &fakeFlows{})
	addr := serve(t, h, nil)
	for bearer, want := range map[string]int{token: 413, token[1:]: 401} {
		body := &endless{left: 1 << 30}
		r, err := http.NewRequestWithContext(t.Context(), post, "http://"+addr+resend, body)
		check(t, err)
		r.ContentLength = body.left
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+bearer)
		if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%d, want %d", resp.StatusCode, want)
			}
		}
		if body.taken.Load() > 16<<20 {
			t.Errorf("%d MiB were sent", body.taken.Load()>>20)
		}
	}
}
