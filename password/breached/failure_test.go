package breached

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hangs answers with a text and then with nothing more, until the client is gone.
func hangs(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if text != "" {
			fmt.Fprint(w, text)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}
}

// endless answers with good lines until the client has had enough.
func endless(w io.Writer) {
	block := []byte(padded() + "\r\n")
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// raw answers with these very bytes.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, text)
	}
}

// failures are answers that say nothing about a password. Many have the line that would
// refuse it.
func failures() map[string]http.HandlerFunc {
	prefix, suffix := rangeOf(known)
	hit := suffix + ":7"
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(code)
			fmt.Fprint(w, padded(hit))
		}
	}
	return map[string]http.HandlerFunc{
		"not found":           status(404),
		"limited":             status(429),
		"broken":              status(500),
		"away":                status(503),
		"another 2xx":         status(203),
		"nothing":             says(""),
		"a line end":          says("\r\n"),
		"a page":              says("<!DOCTYPE html>\n<p>Sign in to this network</p>"),
		"no count":            says(padded(suffix)),
		"an empty count":      says(padded(suffix + ":")),
		"a negative count":    says(padded(suffix + ":-7")),
		"a signed count":      says(padded(suffix + ":+7")),
		"a huge count":        says(padded(suffix + ":18446744073709551616")),
		"a count in hex":      says(padded(suffix + ":7f")),
		"two counts":          says(padded(hit + ":7")),
		"spaces":              says(padded(suffix + ": 7")),
		"whole hashes":        says(padded(prefix + hit)),
		"a short hash":        says(padded(suffix[1:] + ":7")),
		"no hex":              says(padded("G" + suffix[1:] + ":7")),
		"junk after the hit":  says(padded(hit) + "\r\njunk"),
		"junk before the hit": says("junk\r\n" + padded(hit)),
		"a blank line":        says(padded(hit) + "\r\n\r\n" + padded()),
		"a long line":         says(padded(hit, suffix+":"+strings.Repeat("0", 1000))),
		"cut":                 raw("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + padded(hit)),
		"closed":              raw(""),
		"not HTTP":            raw("/range/" + prefix + " /range/" + prefix + "\r\n\r\n"),
		"a bad trailer": raw("HTTP/1.1 200 OK\r\nTrailer: A\r\nTransfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n/range/%s\r\n\r\n", len(padded(hit)), padded(hit), prefix)),
		"endless headers": raw("HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 1<<20) + "\r\n\r\n" + padded(hit)),
		"endless":         func(w http.ResponseWriter, _ *http.Request) { endless(w) },
		"endless, compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			endless(gzip.NewWriter(w))
		},
	}
}

// An unreliable answer is a failure, neither "known" nor "not found". It is requested once, and
// its error holds nothing of the hash.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, h := range failures() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			closed, open := serve(t, h), serve(t, h)
			err := corpus(t, closed.URL).Check(t.Context(), known)
			if !errors.Is(err, ErrUnchecked) || refused(err) || errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("closed: %v", err)
			}
			if err := corpus(t, open.URL, failsOpen(&log)).Check(t.Context(), known); err != nil {
				t.Errorf("open: %v", err)
			}
			if !strings.Contains(log.String(), `"unchecked":1`) {
				t.Errorf("log %q", &log)
			}
			if len(closed.asked()) != 1 {
				t.Errorf("asked %d times", len(closed.asked()))
			}
			toldNothing(t, err.Error()+log.String())
		})
	}
}

// toldNothing checks that a text holds no part of the known password or its hash.
func toldNothing(t *testing.T, text string) {
	t.Helper()
	prefix, suffix := rangeOf(known)
	for _, secret := range []string{prefix, suffix[:5], known} {
		if strings.Contains(strings.ToUpper(text), strings.ToUpper(secret)) {
			t.Errorf("%q in %q", secret, text)
		}
	}
}

// No redirect is followed, not even on the same host: the prefix goes where it is
// configured to go.
func TestRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, honest)
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"", elsewhere.URL} {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/moved") {
					fmt.Fprint(w, padded())
					return
				}
				http.Redirect(w, r, to+"/moved"+r.URL.Path, code)
			})
			err := corpus(t, s.URL).Check(t.Context(), known)
			if !errors.Is(err, ErrUnchecked) || len(s.asked()) != 1 {
				t.Errorf("%d to %q: %v, asked %v", code, to, err, s.asked())
			}
			toldNothing(t, err.Error())
		}
	}
	if asked := elsewhere.asked(); asked != nil {
		t.Errorf("another server was asked %v", asked)
	}
}

// A server that is silent, before or within its answer, costs a submission the timeout.
func TestTimeout(t *testing.T) {
	t.Parallel()
	_, suffix := rangeOf(known)
	for _, h := range []http.HandlerFunc{hangs(""), hangs(padded(suffix + ":7"))} {
		c := corpus(t, serve(t, h).URL, func(cfg *Config) { cfg.Timeout = 100 * time.Millisecond })
		got := make(chan error, 1)
		go func() { got <- c.Check(t.Context(), known) }()
		select {
		case err := <-got:
			if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrUnchecked) {
				t.Error(err)
			}
			toldNothing(t, err.Error())
		case <-time.After(10 * time.Second): // the test's deadline, a hundred times the timeout
			t.Error("the check goes on and on")
		}
	}
	if c := corpus(t, "https://api.example.com", func(cfg *Config) { cfg.Timeout = 0 }); c.cfg.Timeout != DefaultTimeout {
		t.Errorf("timeout %s", c.cfg.Timeout)
	}
}

// No server listens: the error says that, and the address.
func TestNoServer(t *testing.T) {
	t.Parallel()
	s := serve(t, honest)
	s.Close()
	err := corpus(t, s.URL).Check(t.Context(), known)
	if !errors.Is(err, ErrUnchecked) || !strings.Contains(err.Error(), s.Listener.Addr().String()) {
		t.Error(err)
	}
	toldNothing(t, err.Error())
}
