package postgrestest

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// The end of a server that cannot run is noticed, and is an error that says why.
func TestServerThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	Require(t)
	_, err := New("no_such_setting=1")
	if err == nil || !strings.Contains(err.Error(), `"no_such_setting"`) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// A server that does not run, or no longer runs, can be killed without effect.
func TestKillTwice(t *testing.T) {
	t.Parallel()
	if err := new(Server).Kill(); err != nil {
		t.Error(err)
	}
	s := Start(t)
	for range 2 {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	}
	s.Restart(t)
	Exec(t, s.URL("postgres"), "SELECT 1")
}
