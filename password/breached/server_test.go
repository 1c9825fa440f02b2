package breached

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// known are passwords that the test's server has.
const known, alsoKnown, unknown = "plum velvet thirty gulls", "grün ist die Farbe der Hoffnung", "none of the breaches has this"

// rangeOf is the path of a password's range, and the digits that the server adds. It is
// written without the code under test.
func rangeOf(pw string) (prefix, suffix string) {
	digits := strings.ToUpper(fmt.Sprintf("%x", sha1.Sum([]byte(pw))))
	return digits[:5], digits[5:]
}

// padded is a range as the API gives it, with 800 made-up lines and the given ones in the
// middle. It has CR LF between lines and none at the end.
func padded(lines ...string) string {
	var all []string
	for i := range 800 {
		if i == 400 {
			all = append(all, lines...)
		}
		all = append(all, fmt.Sprintf("%035X:0", i))
	}
	return strings.Join(all, "\r\n")
}

// server is a range server and its requests.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	paths []string
	conns int
}

func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paths
}

func (s *server) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// unstarted is a server that answers as h does.
func unstarted(tb testing.TB, h http.HandlerFunc) *server {
	tb.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.paths = append(s.paths, r.URL.Path)
		s.mu.Unlock()
		h(w, r)
	}))
	s.Config.ConnState = countNew(s)
	s.Config.ErrorLog = quiet
	tb.Cleanup(s.Close)
	return s
}

func serve(tb testing.TB, h http.HandlerFunc) *server {
	tb.Helper()
	s := unstarted(tb, h)
	s.Start()
	return s
}

// honest answers like the API, for the two known passwords.
func honest(w http.ResponseWriter, r *http.Request) {
	var lines []string
	for i, pw := range []string{known, alsoKnown} {
		if prefix, suffix := rangeOf(pw); r.URL.Path == "/range/"+prefix {
			lines = append(lines, fmt.Sprintf("%s:%d", suffix, i+1))
		}
	}
	fmt.Fprint(w, padded(lines...))
}

// says answers with a text.
func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

// corpus queries a server, and fails closed by default.
func corpus(tb testing.TB, address string, change ...func(*Config)) *Corpus {
	tb.Helper()
	cfg := Config{URL: address + "/range", FailClosed: true, Timeout: 10 * time.Second, Log: zerolog.Nop()}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.http.CloseIdleConnections)
	return c
}

// failsOpen accepts unchecked passwords and logs into log.
func failsOpen(log *bytes.Buffer) func(*Config) {
	return func(cfg *Config) { cfg.FailClosed, cfg.Log = false, zerolog.New(log) }
}
