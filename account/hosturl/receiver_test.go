package hosturl_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/hosturl"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

const event = `{"type":"password.changed","timestamp":"2026-03-01T12:00:00Z","data":{"account":"ann","run":"0f9a1c52"}}`

func receiver(t *testing.T, app http.Handler, secrets ...string) *hosturl.Receiver {
	t.Helper()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	r, err := hosturl.OpenReceiver(server.URL+"/rekey/events", strings.Join(append(secrets, hostapp.Secret(hostapp.Key)), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// security 47: an event is signed with each secret, so that the application may have either.
func TestEventIsSigned(t *testing.T) {
	t.Parallel()
	app := &hostapp.Receiver{}
	for _, secrets := range [][]string{nil, {hostapp.Secret(make([]byte, 32))}} {
		if err := receiver(t, app, secrets...).Receive(t.Context(), "evt", []byte(event)); err != nil {
			t.Error(err)
		}
	}
	got := app.Events()
	if len(got) != 2 || got[0].ID != "evt" || got[0].Data.Account != "ann" || got[0] != got[1] {
		t.Errorf("received %+v", got)
	}
}

// Only 2xx is a success, whatever follows it. 410 is final. No other answer is, and no text of one
// is in the error.
func TestUnwellReceiver(t *testing.T) {
	t.Parallel()
	const private = "$2b$12$private"
	says := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, body) }
	}
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		want   string // in the error; "" for a success
		final  bool
	}{
		"204":     {says(204, ""), "", false},
		"garbage": {says(200, private), "", false},
		"huge":    {says(202, strings.Repeat(" ", 2<<20)), "", false},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "{")
		}, "", false},
		"410":      {says(410, private), "no more events", true},
		"401":      {says(401, private), "answered 401", false},
		"500":      {says(500, private), "answered 500", false},
		"redirect": {http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect).ServeHTTP, "answered 307", false},
		"hung up":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "cut off", false},
		"no HTTP": {func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				fmt.Fprint(c, private+"\r\n\r\n")
				c.Close()
			}
		}, "could not be read", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			r := receiver(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if r.URL.Path != "/rekey/events" {
					t.Errorf("the event went to %s", r.URL.Path)
				}
				tc.answer(w, r)
			}))
			err := r.Receive(t.Context(), "evt", []byte(event))
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if errors.Is(err, account.ErrNoMoreEvents) != tc.final {
				t.Errorf("error %v, final: %v", err, tc.final)
			}
			if err != nil && strings.Contains(err.Error(), private) {
				t.Errorf("the answer is quoted: %v", err)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// The end of the caller's context ends a request to an application that is silent.
func TestSilentReceiver(t *testing.T) {
	t.Parallel()
	silent, ctx := silence(t)
	r := receiver(t, silent)
	if err := r.Receive(ctx, "evt", []byte(event)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := r.Receive(ctx, "evt", []byte(event)); !errors.Is(err, context.Canceled) {
		t.Errorf("error after the end %v", err)
	}
}

// An application that is silent, or slow, has ten seconds.
func TestSilentReceiverIsGivenUp(t *testing.T) {
	t.Parallel()
	suite.Long(t)
	for name, answer := range map[string]http.HandlerFunc{
		"silent": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			<-r.Context().Done()
		},
		"slow": func(w http.ResponseWriter, _ *http.Request) {
			next := time.NewTicker(100 * time.Millisecond)
			defer next.Stop()
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, err = fmt.Fprint(c, "HTTP/1.1 200 OK\r\nServer: ")
			}
			for err == nil { // until the client hangs up
				<-next.C
				_, err = fmt.Fprint(c, "x")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			err := receiver(t, answer).Receive(t.Context(), "evt", []byte(event))
			if err == nil || !strings.Contains(err.Error(), "no answer in time") || time.Since(began) > 15*time.Second {
				t.Errorf("error %v after %s", err, time.Since(began))
			}
		})
	}
}

// security 47: beyond this machine no event travels in clear.
func TestOpenReceiver(t *testing.T) {
	t.Parallel()
	good := hostapp.Secret(hostapp.Key)
	for _, tc := range []struct {
		url, secrets string
		want         error
	}{
		{"https://app.example.com/rekey/events", good, nil},
		{"http://app.example.com/rekey/events", good, hosturl.ErrClear},
		{"https://app.example.com/?key=1", good, hosturl.ErrURL},
		{"https://app.example.com", "hunter2", hosturl.ErrSecret},
	} {
		if _, err := hosturl.OpenReceiver(tc.url, tc.secrets); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", tc.url, err, tc.want)
		}
	}
}
