package web

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// A slow request is answered before the connection is cut, and before a stopping process ends.
func TestAnswersComeInTime(t *testing.T) {
	t.Parallel()
	if answerTimeout >= writeTimeout || answerTimeout >= drainTimeout {
		t.Errorf("an answer may take %s, writing it %s, and the drain %s", answerTimeout, writeTimeout, drainTimeout)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	left, ended := make(chan time.Duration, 1), make(chan error, 1)
	go func() {
		ended <- Serve(ctx, listener, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			until, _ := r.Context().Deadline()
			left <- time.Until(until)
		}), zerolog.Nop())
	}()
	answer, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if took := <-left; took <= 0 || took > answerTimeout {
		t.Errorf("the handler has %s, want %s", took, answerTimeout)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A balancer closes an idle connection before the starter does, or a request of it is lost.
func TestIdleConnectionsOutliveBalancers(t *testing.T) {
	t.Parallel()
	for name, closes := range map[string]time.Duration{
		"AWS": time.Minute, "nginx": time.Minute, "Azure": 4 * time.Minute, "Google": 10 * time.Minute,
	} {
		if got := newServer(nil, zerolog.Nop(), IdleTimeout).IdleTimeout; got <= closes {
			t.Errorf("%s keeps a connection for %s, the starter for %s", name, closes, got)
		}
	}
	if got := newServer(nil, zerolog.Nop(), time.Second).IdleTimeout; got != time.Second {
		t.Errorf("the setting is not used: %s", got)
	}
}
