package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// served is the address of a starter that listens.
func served(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, newTestHandler(t, &fakeResets{}), zerolog.Nop()) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// security 19: a client that sends a byte now and then is cut off: in the header after 5 seconds,
// in the body after 10.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	addr := served(t)
	const head = "POST /account/forgot_password HTTP/1.1\r\nHost: id.example.com\r\n"
	for name, tc := range map[string]struct {
		begin string
		limit time.Duration
	}{
		"header": {head + "X-Slow: ", readHeaderTimeout},
		"body":   {head + "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n", readTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, began := dial(t, addr), time.Now() // a client that is never cut off ends at the deadline of dial
			if _, err := io.WriteString(conn, tc.begin); err != nil {
				t.Fatal(err)
			}
			go drip(conn)
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("still open: %v", err)
			}
			if took := time.Since(began); took < tc.limit-time.Second {
				t.Errorf("cut off after %v, want %v at least", took, tc.limit)
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

// security 19: of a body of a gigabyte little more than the limit is read.
func TestGigabyteIsCutOff(t *testing.T) {
	t.Parallel()
	addr := served(t)
	for _, path := range []string{"/account/forgot_password", "/account/reset_password/T", "/account/cancel_reset", "/nowhere"} {
		body := &endless{left: 1 << 30}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = body.left
		r.Header.Set("Content-Type", typeJSON)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != http.StatusRequestEntityTooLarge && path != "/nowhere" {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
		}
		t.Logf("%s: %d KiB were sent", path, body.taken.Load()>>10)
		if body.taken.Load() > 16<<20 {
			t.Errorf("%s: %d MiB were sent", path, body.taken.Load()>>20)
		}
	}
}

// security 19: headers of more than 16 KiB (and net/http's slack) are refused.
func TestLargeHeadersAreRefused(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+served(t)+"/account/forgot-password", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", strings.Repeat("a", maxHeaderBytes+8<<10))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Error(resp.StatusCode)
	}
}
