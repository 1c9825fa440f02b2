// Package bounds measures the upper bounds of rekey's processes. It has tests only.
package bounds

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// openRuns is 10,000 for the figures of docs/security.md, which takes 8 minutes. A worker keeps
// 1,000 of them, so with 3,000 its memory no longer grows.
var openRuns = flag.Int("runs", 3_000, "open runs at once")

func TestMain(m *testing.M) { os.Exit(site.Main(m.Run)) }

// begin makes a site without limits on requests, where a worker runs. Temporal keeps its runs
// in memory: its costs are not measured here, and a commit to a disk for each step takes
// minutes.
func begin(t *testing.T, people ...account.Account) (s *site.Site, worker *process.Process) {
	t.Helper()
	s = site.Bare(t)
	s.Volatile = true
	s.StartTemporal(t)
	s.Env = append(s.Env, "REKEY_CLIENT_LIMIT=0", "REKEY_START_LIMIT=0")
	s.Put(t, people...)
	s.Run(t, 0, "setup")
	return s, s.Worker(t)
}

// many does something n times, so many at once, and fails the test when all are done and one
// was an error.
func many(t *testing.T, n, atOnce int, do func(i int) error) {
	t.Helper()
	var all errgroup.Group
	all.SetLimit(atOnce)
	for i := range n {
		all.Go(func() error { return do(i) })
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
}

// forgot retries where a busy machine answered 503: the test measures the size of open runs.
func forgot(s *site.Site, address string) error {
	var a site.Answer
	for range 10 {
		var err error
		if a, err = s.Try("/account/forgot_password", map[string]string{"email": address}); err != nil || a.HTTP == http.StatusOK {
			return err
		}
		if a.HTTP != http.StatusServiceUnavailable {
			break
		}
	}
	return fmt.Errorf("forgot_password for %s: %+v", address, a)
}

// security 15: 200 submissions at once, each hashed at the real cost, keep a starter under
// 512 MiB, and each succeeds in the end.
func TestManySubmissionsTakeLittleMemory(t *testing.T) {
	suite.Long(t)
	const most = 512 // MiB
	people := make([]account.Account, 200)
	for i := range people {
		people[i] = site.Person(fmt.Sprintf("person-%03d", i))
	}
	s, _ := begin(t, people...)
	starter := s.Starter(t)
	many(t, len(people), 20, func(i int) error { return forgot(s, people[i].Address) })
	tokens := make([]string, len(people))
	for i, who := range people {
		tokens[i] = s.Token(t, who, 1)
	}
	before := starter.Peak(t)
	var busy atomic.Int32
	many(t, len(people), len(people), func(i int) error { return insist(s, tokens[i], &busy) })
	peak := starter.Peak(t)
	t.Logf("the starter had %.0f MiB before and %.0f MiB at most; %d answers asked for a retry", before, peak, busy.Load())
	if peak > most {
		t.Errorf("%.0f MiB, want at most %d", peak, most)
	}
}

// insist submits a password and retries as the answer says.
func insist(s *site.Site, token string, busy *atomic.Int32) error {
	for late := time.Now().Add(3 * time.Minute); time.Now().Before(late); {
		a, err := s.Try("/account/reset_password/"+token, map[string]string{"password": "nine lanterns over the bay"})
		if err != nil || a.HTTP == http.StatusOK {
			return err
		}
		wait, err := comeBack(a)
		if err != nil {
			return err
		}
		busy.Add(1)
		<-time.After(wait)
	}
	return errors.New("reset_password: not in three minutes")
}

// comeBack is the time of the next try. Only a starter that could not take the password names
// one.
func comeBack(a site.Answer) (time.Duration, error) {
	if a.HTTP == http.StatusAccepted {
		return time.Second, nil
	}
	wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if a.HTTP != http.StatusServiceUnavailable || err != nil {
		return 0, fmt.Errorf("reset_password: %+v", a)
	}
	return time.Duration(wait) * time.Second, nil
}

// security 33, 34: a worker with more open runs than it keeps stays under 170 MiB, and a reset
// works. A worker that keeps 3,000 passes it.
func TestManyOpenRunsTakeLittleMemory(t *testing.T) {
	suite.Long(t)
	const most = 170 // MiB
	erin := site.Person("erin")
	s, worker := begin(t, erin)
	s.Starter(t)
	before := worker.Peak(t)
	many(t, *openRuns, 20, func(i int) error { return forgot(s, fmt.Sprintf("nobody-%d@example.com", i)) })
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for late := time.After(7 * time.Minute); waiting(worker) < *openRuns; {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("%d of %d runs wait", waiting(worker), *openRuns)
		}
	}
	if err := forgot(s, erin.Address); err != nil {
		t.Fatal(err)
	}
	if err := insist(s, s.Token(t, erin, 1), new(atomic.Int32)); err != nil {
		t.Fatal(err)
	}
	peak := worker.Peak(t)
	t.Logf("the worker had %.0f MiB before and %.0f MiB at most with %d open runs", before, peak, *openRuns)
	if peak > most {
		t.Errorf("%.0f MiB, want at most %d", peak, most)
	}
}

// waiting counts the runs that wait for their link to be used: each has set its timer.
func waiting(worker *process.Process) int {
	return strings.Count(worker.Err.String(), `"message":"NewTimer"`)
}
