package cli

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rekeyhq/rekey/internal/belong"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	okay(t, "health", server.URL+"/readyz")
	refused(t, []string{"health", server.URL + "/livez"}, "/livez answers 503 Service Unavailable")
	server.Close()
	refused(t, []string{"health", server.URL + "/readyz"}, "connection refused")
	refused(t, []string{"health", "127.0.0.1"}, "want a URL such as http://127.0.0.1:9090/readyz")
}

// Other processes are unknown before Temporal's answer, and the check is not up until then.
func TestPeersAreNotKnownAtFirst(t *testing.T) {
	t.Parallel()
	l := newLatest()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.ask(over); !errors.Is(err, errNoPeersYet) {
		t.Errorf("before anything is told: %v", err)
	}
	l.is(nil)
	if err := l.ask(t.Context()); err != nil {
		t.Errorf("all is well: %v", err)
	}
	l.is(&belong.Mismatch{Reasons: []string{"another product"}})
	if err := l.ask(t.Context()); err == nil {
		t.Error("another product is told to nobody")
	}
}
