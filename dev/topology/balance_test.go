package topology

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"testing"
	"time"
)

// turns is the work of a load balancer. Each request goes to the next starter, and to the one
// after it when that one cannot be reached or dies before it answers. The routes allow a second
// request.
type turns struct {
	starters []string
	next     atomic.Uint64
}

// RoundTrip implements [http.RoundTripper].
func (b *turns) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	var err error
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	var resp *http.Response
	for range b.starters {
		again := r.Clone(r.Context())
		again.URL.Host = b.starters[b.next.Add(1)%uint64(len(b.starters))]
		again.Body = io.NopCloser(bytes.NewReader(body))
		if resp, err = http.DefaultTransport.RoundTrip(again); err == nil {
			return resp, nil
		}
	}
	return nil, err
}

// balance is a load balancer in front of the starters.
func balance(t *testing.T, addr string, starters []string) {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme = "http" },
		Transport: &turns{starters: starters},
		ErrorLog:  log.New(io.Discard, "", 0), // that starters die is the point
	}, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
}
