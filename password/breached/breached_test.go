package breached

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/password"
)

var quiet = log.New(io.Discard, "", 0)

func countNew(s *server) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
		}
	}
}

// refused reports that err is the refusal of a breached password.
func refused(err error) bool {
	r, ok := errors.AsType[*password.Refusal](err)
	return ok && r.Code == password.Breached
}

// security 14: a password of a breach is refused, with a reason and a remedy.
func TestKnownPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	c := corpus(t, serve(t, honest).URL)
	for pw, want := range map[string]bool{known: true, alsoKnown: true, unknown: false, strings.ToUpper(known): false} {
		err := c.Check(t.Context(), pw)
		if refused(err) != want || !want && err != nil {
			t.Errorf("%q: %v", pw, err)
		}
	}
	r, _ := errors.AsType[*password.Refusal](c.Check(t.Context(), known))
	if r == nil || r.Reason == "" || len(r.Suggestions) == 0 {
		t.Errorf("refusal %+v", r)
	}
}

// TestAnswers reads lines of a range and judges the password. The hash is the known one of
// "password".
func TestAnswers(t *testing.T) {
	t.Parallel()
	const suffix = "1E4C9B93F3F0682250B6CF8331B7EE68FD8"
	for answer, want := range map[string]bool{
		suffix + ":1":                               true,
		suffix + ":18446744073709551615":            true,
		strings.ToLower(suffix) + ":2":              true, // as mirrors may write it
		padded(suffix + ":52256179"):                true,
		padded() + "\r\n" + suffix + ":1":           true,
		padded() + "\n" + suffix + ":1\n":           true,
		suffix + ":1\r\n" + suffix + ":0":           true,
		suffix + ":0":                               false, // padding
		suffix + ":000":                             false,
		padded(suffix + ":0"):                       false,
		padded():                                    false,
		strings.Repeat("0", len(suffix)) + ":1":     false,
		suffix[:len(suffix)-1] + "9:1":              false,
		"2" + suffix[1:] + ":1\r\n" + suffix + ":0": false,
	} {
		s := serve(t, says(answer))
		err := corpus(t, s.URL).Check(t.Context(), "password")
		if refused(err) != want || !want && err != nil {
			t.Errorf("%.50q: %v, want a refusal: %v", answer, err, want)
		}
		if diff := cmp.Diff([]string{"/range/5BAA6"}, s.asked()); diff != "" {
			t.Error(diff)
		}
	}
}

// A request sends five of the forty digits, and is otherwise the same for every password.
func TestOnlyFiveDigitsLeave(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	sent := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var all bytes.Buffer
		_, _ = http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &all)))
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(padded()), padded())
		_, _ = io.Copy(&all, conn)
		sent <- all.String()
	}()
	c := corpus(t, "http://"+listener.Addr().String())
	if err := c.Check(t.Context(), "password"); err != nil {
		t.Fatal(err)
	}
	c.http.CloseIdleConnections() // the end of the request
	want := "GET /range/5BAA6 HTTP/1.1\r\nHost: " + listener.Addr().String() +
		"\r\nUser-Agent: rekey-password-reset\r\nAdd-Padding: true\r\nAccept-Encoding: gzip\r\n\r\n"
	if diff := cmp.Diff(want, <-sent); diff != "" {
		t.Error(diff)
	}
}

// Checks at the same time do not mix their answers up.
func TestConcurrentChecks(t *testing.T) {
	t.Parallel()
	c := corpus(t, serve(t, honest).URL)
	var all sync.WaitGroup
	for i := range 60 {
		pw := []string{known, alsoKnown, unknown}[i%3]
		all.Go(func() {
			if err := c.Check(t.Context(), pw); refused(err) != (pw != unknown) || pw == unknown && err != nil {
				t.Errorf("%q: %v", pw, err)
			}
		})
	}
	all.Wait()
}

// Open, a password that cannot be checked is taken, and each is counted in the log.
func TestFailOpen(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := corpus(t, serve(t, http.NotFound).URL, failsOpen(&log))
	for n := range 3 {
		log.Reset()
		if err := c.Check(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		var line struct {
			Level, Error string
			Unchecked    int
		}
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatalf("%q: %v", &log, err)
		}
		if line.Level != "warn" || line.Unchecked != n+1 || line.Error != "status 404" {
			t.Errorf("%+v", line)
		}
	}
}

// A known password is refused, open or closed, and an unknown one logs nothing.
func TestFailOpenStillRefuses(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := corpus(t, serve(t, honest).URL, failsOpen(&log))
	if err := c.Check(t.Context(), known); !refused(err) {
		t.Error(err)
	}
	if err := c.Check(t.Context(), unknown); err != nil || log.Len() > 0 {
		t.Errorf("%v, log %q", err, &log)
	}
}

// Nobody waits any more: that is no failure of the server, and nothing is taken.
func TestCanceled(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	err := corpus(t, s.URL, failsOpen(&log)).Check(ctx, known)
	if !errors.Is(err, ErrUnchecked) || !errors.Is(err, context.Canceled) || log.Len() > 0 {
		t.Errorf("%v, log %q", err, &log)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"https://api.pwnedpasswords.com/range":    true,
		"https://mirror.example.com:8443":         true,
		"http://127.0.0.1:8000/range/":            true,
		"http://[::1]/range":                      true,
		"http://localhost/range":                  true,
		"":                                        false,
		"api.pwnedpasswords.com/range":            false,
		"http://api.pwnedpasswords.com/range":     false,
		"http://localhost.example.com/range":      false,
		"http://127.0.0.1.example.com/range":      false,
		"ftp://127.0.0.1/range":                   false,
		"https:///range":                          false,
		"https://:443/range":                      false,
		"https://me:hidden@mirror.example.com/":   false,
		"https://mirror.example.com/range?key=a":  false,
		"https://mirror.example.com/range?":       false,
		"https://mirror.example.com/range#here":   false,
		"https://hidden:\x00@mirror.example.com/": false,
	} {
		_, err := New(Config{URL: address})
		if (err == nil) != want || err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
