package belong

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
)

// newKeys makes the keys of a deployment.
func newKeys(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := keys.Create(dir, false); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mark(t *testing.T, role, dir, base, product string) Mark {
	t.Helper()
	m, err := Of(role, keys.Open(dir), base, product)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mixed is a folder of keysets with one file of another.
func mixed(t *testing.T, dir, other string, files ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(out, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(filepath.Join(other, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(out, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range keys.Uses() {
		if err := os.Chmod(filepath.Join(out, string(u)+".json"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

const base, product = "https://accounts.example.com", "Harbor"

// Differences are named, and equal configurations are not.
func TestDifferences(t *testing.T) {
	t.Parallel()
	dir, other := newKeys(t), newKeys(t)
	starter := mark(t, Starter, dir, base, product)
	for name, test := range map[string]struct {
		worker Mark
		want   string
	}{
		"the same":       {mark(t, Worker, dir, base, product), ""},
		"other keys":     {mark(t, Worker, other, base, product), "another payload.json"},
		"other links":    {mark(t, Worker, mixed(t, dir, other, "link.json"), base, product), "another link.json"},
		"another pair":   {mark(t, Worker, mixed(t, dir, other, "submission.json"), base, product), "another pair"},
		"another URL":    {mark(t, Worker, dir, "https://id.example.com", product), "another base URL"},
		"another name":   {mark(t, Worker, dir, base, "Lighthouse"), "another product"},
		"no name":        {mark(t, Worker, dir, base, ""), ""},
		"only its codec": {Mark{Role: "this command, process", Payload: starter.Payload}, ""},
	} {
		got, remedy := difference(starter, test.worker)
		if got != test.want && (test.want == "" || !strings.HasPrefix(got, test.want)) || (got == "") != (remedy == "") {
			t.Errorf("%s: %q (%s), want %q", name, got, remedy, test.want)
		}
	}
}

// While keys are rotated, processes have one in common and no mismatch is reported.
func TestRotationIsNoDifference(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	before := mark(t, Starter, dir, base, product)
	for _, u := range []keys.Use{keys.Link, keys.Payload, keys.Submission} {
		id, err := keys.Add(dir, u)
		if err == nil {
			err = keys.Promote(dir, u, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	after := mark(t, Worker, dir, base, product)
	if after.Link == before.Link {
		t.Fatal("the keys were not rotated")
	}
	if what, _ := difference(before, after); what != "" {
		t.Errorf("difference: %s", what)
	}
}

// security 46: a mark is read again as it was, and reveals neither the URL nor the name nor a key.
func TestIdentity(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	m := mark(t, Worker, dir, base, product)
	for _, m := range []Mark{m, mark(t, Starter, dir, base, "")} {
		if got, ours := parse(m.String()); !ours || got != m {
			t.Errorf("%s is read as %+v", m, got)
		}
	}
	if text := m.String(); strings.Contains(text, product) || strings.Contains(text, "example") {
		t.Errorf("the mark tells: %s", text)
	}
	if again := mark(t, Worker, newKeys(t), base, product); again.Base == m.Base || again.Product == m.Product {
		t.Error("without the keys one can test guesses")
	}
	for _, foreign := range []string{
		"", "1@host@", "\x1b[2J" + m.String(), strings.Replace(m.String(), "worker", "boss", 1), m.String() + "\n",
	} {
		if _, ours := parse(foreign); ours {
			t.Errorf("%q is taken for one of ours", foreign)
		}
	}
}

// server is a Temporal that lists pollers.
type server struct {
	mu    sync.Mutex
	queue map[string]map[string]time.Time // time of the last poll of each identity, by task queue
	away  bool
	ahead time.Duration // of its clock
	deny  bool          // every poller
}

func (s *server) hear(queue, identity string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queue == nil {
		s.queue = map[string]map[string]time.Time{}
	}
	if s.queue[queue] == nil {
		s.queue[queue] = map[string]time.Time{}
	}
	s.queue[queue][identity] = at
}

func (s *server) goAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *server) WorkflowService() workflowservice.WorkflowServiceClient { return service{server: s} }

type service struct {
	workflowservice.WorkflowServiceClient
	server *server
}

func (s service) PollActivityTaskQueue(ctx context.Context, r *workflowservice.PollActivityTaskQueueRequest, _ ...grpc.CallOption) (*workflowservice.PollActivityTaskQueueResponse, error) {
	if s.server.deny {
		return nil, serviceerror.NewPermissionDenied("no", "")
	}
	s.server.hear(r.GetTaskQueue().GetName(), r.GetIdentity(), time.Now())
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s *server) DescribeTaskQueue(_ context.Context, queue string, _ enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return nil, errors.New("away")
	}
	var r workflowservice.DescribeTaskQueueResponse
	for identity, at := range s.queue[queue] {
		r.Pollers = append(r.Pollers, &taskqueuepb.PollerInfo{Identity: identity, LastAccessTime: timestamppb.New(at.Add(s.ahead))})
	}
	return &r, nil
}

func TestLook(t *testing.T) {
	t.Parallel()
	dir, other := newKeys(t), newKeys(t)
	starter, worker, foreign := mark(t, Starter, dir, base, product), mark(t, Worker, dir, base, product), mark(t, Worker, other, base, product)
	peers, now := flow.PeersQueue("rekey"), time.Now()
	for name, test := range map[string]struct {
		heard func(*server)
		want  string
	}{
		"nobody":               {func(*server) {}, "no worker polls task queue rekey of namespace default"},
		"a worker":             {func(s *server) { s.hear(peers, worker.String(), now) }, ""},
		"a worker that went":   {func(s *server) { s.hear(peers, worker.String(), now.Add(-time.Minute)) }, "no worker polls"},
		"one of another queue": {func(s *server) { s.hear(flow.PeersQueue("other"), foreign.String(), now) }, "no worker polls"},
		"one of 0.2":           {func(s *server) { s.hear("rekey", "1@host@", now.Add(-time.Minute)) }, ""},
		"one of 0.2 that went": {func(s *server) { s.hear("rekey", "1@host@", now.Add(-2*time.Minute)) }, "no worker polls"},
		"a foreign one":        {func(s *server) { s.hear(peers, foreign.String(), now) }, "has another payload.json than starter"},
		"both": {func(s *server) {
			s.hear(peers, worker.String(), now)
			s.hear(peers, foreign.String(), now)
		}, "has another payload.json than starter"},
		"a slow clock": {func(s *server) {
			s.ahead = time.Hour
			s.hear(peers, worker.String(), now.Add(-time.Minute))
		}, "no worker polls"},
		"a fast clock": {func(s *server) {
			s.ahead = -time.Hour
			s.hear(peers, foreign.String(), now)
		}, "has another payload.json than starter"},
	} {
		s := &server{}
		s.hear(peers, starter.String(), now)
		test.heard(s)
		err := Look(t.Context(), s, "default", "rekey", starter)
		if got := err != nil; got != (test.want != "") || got && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// security 46: an attacker with the right to poll can invent names and marks. Names cost
// nothing and change no reason. Of too many marks only some are compared, and the result says
// so.
func TestLookAtManyPollers(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	starter, worker := mark(t, Starter, dir, base, product), mark(t, Worker, dir, base, product)
	peers, now := flow.PeersQueue("rekey"), time.Now()
	names, marks := &server{}, &server{}
	for n := range 1000 {
		m := worker
		m.Name, m.Base = fmt.Sprintf("%04d@host", n), "00000000"
		names.hear(peers, m.String(), now)
		m.Product = fmt.Sprintf("%08x", n)
		marks.hear(peers, m.String(), now)
	}
	for range 5 {
		err := Look(t.Context(), names, "default", "rekey", starter)
		if err == nil || strings.Contains(err.Error(), "more than") || !strings.HasPrefix(err.Error(), "worker 0000@host has another base URL") {
			t.Errorf("of names: %v", err)
		}
	}
	if err := Look(t.Context(), marks, "default", "rekey", starter); err == nil || !strings.Contains(err.Error(), "more than 100 processes") {
		t.Errorf("of marks: %v", err)
	}
	var some []Mark
	for identity := range names.queue[peers] {
		m, _ := parse(identity)
		some = append(some, m)
	}
	if first, more := distinct(some); len(first) != 1 || more {
		t.Errorf("%d marks, more: %t", len(first), more)
	}
}

// Nothing is reported before Temporal has answered, and a failure is in the log once.
func TestWatchKnowsNothingAtFirst(t *testing.T) {
	t.Parallel()
	dir := newKeys(t)
	self, worker := mark(t, Starter, dir, base, product), mark(t, Worker, dir, base, product)
	synctest.Test(t, func(t *testing.T) {
		s := &server{away: true, deny: true}
		var log bytes.Buffer
		var told []error
		stop := Watch{
			Temporal: s, Namespace: "default", Queue: "rekey", Self: self, Log: zerolog.New(&log),
			Tell: func(err error) { told = append(told, err) },
		}.Start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(told) != 0 {
			t.Errorf("told %v", told)
		}
		s.goAway(false)
		s.hear(flow.PeersQueue("rekey"), worker.String(), time.Now())
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(told) != 1 || told[0] != nil {
			t.Errorf("told %v", told)
		}
		stop()
		for _, once := range []string{"is not known", "its poll fails"} {
			if got := strings.Count(log.String(), once); got != 1 {
				t.Errorf("%q is in the log %d times:\n%s", once, got, log.String())
			}
		}
		if strings.Contains(log.String(), "again") {
			t.Errorf("nothing was wrong:\n%s", log.String())
		}
	})
}

// Each change is reported once, within ten seconds. A worker that starts a moment after the
// starter is no reason for a report.
func TestWatchTellsEachChangeOnce(t *testing.T) {
	t.Parallel()
	dir, other := newKeys(t), newKeys(t)
	self, worker, foreign := mark(t, Starter, dir, base, product), mark(t, Worker, dir, base, product), mark(t, Worker, other, base, product)
	synctest.Test(t, func(t *testing.T) {
		s, peers := &server{}, flow.PeersQueue("rekey")
		var told []string
		stop := Watch{
			Temporal: s, Namespace: "default", Queue: "rekey", Self: self, Log: zerolog.New(io.Discard),
			Tell: func(err error) {
				text := "fine"
				if err != nil {
					text = err.Error()
				}
				told = append(told, text)
			},
		}.Start()
		expect := func(n int, want string) {
			t.Helper()
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if len(told) != n || n > 0 && !strings.Contains(told[n-1], want) {
				t.Errorf("told %q, want %d, the last %q", told, n, want)
			}
		}
		time.Sleep(time.Second)
		s.hear(peers, worker.String(), time.Now())
		expect(1, "fine")
		s.hear(peers, foreign.String(), time.Now())
		expect(2, "another payload.json")
		expect(2, "another payload.json")
		s.goAway(true)
		expect(2, "another payload.json")
		s.goAway(false)
		s.hear(peers, worker.String(), time.Now())
		s.hear(peers, foreign.String(), time.Now().Add(-time.Minute))
		expect(3, "fine")
		s.hear(peers, worker.String(), time.Now().Add(-time.Minute))
		expect(4, "no worker")
		stop()
	})
}
