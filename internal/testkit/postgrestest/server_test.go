package postgrestest

import (
	"strings"
	"testing"
	"time"
)

// A server that cannot run reports the reason at once.
func TestServerThatEndsAtOnce(t *testing.T) {
	t.Parallel()
	Require(t)
	began := time.Now()
	_, err := New("no_such_setting=1")
	if err == nil || !strings.Contains(err.Error(), `"no_such_setting"`) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > startWait/2 {
		t.Errorf("that took %v", took)
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
