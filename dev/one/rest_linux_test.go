package one

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

const (
	mostMemory = 250 // MiB
	mostWait   = 5 * time.Second
	rest       = 30 * time.Second // in which nothing is asked
)

// A machine is ready in five seconds, and small while nobody asks for anything.
func TestAtRest(t *testing.T) {
	suite.Long(t)
	s := site.One(t)
	for _, folder := range []string{"an empty folder", "the folder of before"} {
		began := time.Now()
		p := s.StartOne(t, site.Ops)
		took := time.Since(began)
		if took > mostWait {
			t.Errorf("ready after %s", took)
		}
		p.Stays(t, rest)
		t.Logf("%s: ready in %d ms, %s by its own log; most memory %.0f MiB", folder, took.Milliseconds(), said(t, p), p.Peak(t))
		if got := p.Peak(t); got > mostMemory {
			t.Errorf("%s: %.0f MiB", folder, got)
		}
		s.Forgot(t, s.People[0])
		s.Mails(t, s.People[0], 1)
		t.Logf("after a mail: %.0f MiB", p.Peak(t))
		stop(t, p)
	}
}

// said is the time until the process was ready, as it says.
func said(t *testing.T, p *process.Process) time.Duration {
	t.Helper()
	var line struct{ MS float64 }
	if err := json.Unmarshal([]byte(p.Await(t, p.Err, `"rekey one is ready"`)), &line); err != nil {
		t.Fatal(err)
	}
	return time.Duration(line.MS * float64(time.Millisecond)).Round(time.Millisecond)
}
