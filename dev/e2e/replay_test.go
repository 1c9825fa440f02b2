package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// replayed is the report of `rekey replay --json`.
type replayed struct {
	Replayed, Diverged, Unjudged, Gone int
	Partial                            bool
	Divergences, Unreadable            []struct {
		Reason     string
		Runs, Open int
		Examples   []struct {
			WorkflowID string `json:"workflow_id"`
			RunID      string `json:"run_id"`
			Error      string
		}
	}
}

// replay runs a build of rekey to its end.
func replay(t *testing.T, s *site.Site, path string, code int, env []string, args ...string) *process.Process {
	t.Helper()
	p := process.Start(t, path, append(append([]string{}, s.Env...), env...), append([]string{"replay"}, args...)...)
	if got := p.Exit(t); got != code {
		t.Fatalf("rekey replay %s: exit code %d, want %d\n%s%s", args, got, code, p.Out, p.Err)
	}
	return p
}

func report(t *testing.T, p *process.Process) (r replayed) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.Out.String()), &r); err != nil {
		t.Fatalf("report: %v\n%s", err, p.Out)
	}
	return r
}

// The check before a deployment runs on a namespace with runs in every state, and then with
// hundreds of them. It gets a build with the same workflow, one with another, and each reason
// for no verdict.
func TestReplayBeforeADeployment(t *testing.T) {
	t.Parallel()
	suite.Long(t)
	s := site.New(t)
	s.Run(t, 0, "setup")
	same, changed := s.Program(t), filepath.Join(t.TempDir(), "changed")
	site.Build(t, changed, "-overlay", mailBeforeWaiting(t))

	if out := replay(t, s, same, 0, nil).Out.String(); !strings.HasPrefix(out, "nothing to replay: namespace default has no run of rekey") {
		t.Errorf("in an empty namespace: %s", out)
	}
	runs := runsOfEveryState(t, s)
	if got, want := report(t, replay(t, s, same, 0, nil, "--json")), (replayed{Replayed: runs}); !got.equal(want) {
		t.Errorf("on the same build: %+v, want %+v", got, want)
	}
	one := runID(t, s, s.People[2])
	if got := report(t, replay(t, s, same, 0, nil, "--json", "--workflow-id", one)); got.Replayed != 2 {
		t.Errorf("of one workflow ID: %+v, want both its runs", got)
	}
	checkDiverges(t, s, replay(t, s, changed, 1, nil), runs)
	checkUnchecked(t, s, same)

	crowd := runs + crowd(t, s, 210)
	t.Run("at once", func(t *testing.T) { checkParallel(t, s, same, crowd) })
	t.Run("gone", func(t *testing.T) { checkGone(t, s, same, crowd) })
	t.Run("told to stop", func(t *testing.T) { checkStops(t, s, same) })
	t.Run("many diverge", func(t *testing.T) {
		out := replay(t, s, changed, 1, nil).Out.String()
		if n := strings.Count(out, "\n"); n > 20 {
			t.Errorf("%d lines for one kind of divergence:\n%s", n, out)
		}
	})
}

func (r replayed) equal(other replayed) bool {
	return r.Replayed == other.Replayed && r.Diverged == other.Diverged && r.Unjudged == other.Unjudged &&
		r.Gone == other.Gone && r.Partial == other.Partial
}

func checkDiverges(t *testing.T, s *site.Site, p *process.Process, runs int) {
	t.Helper()
	out := p.Out.String()
	for _, want := range []string{
		"ActivityTaskScheduled await-token-submission: the code schedules send-email",
		": event 6 ", "workflow.GetVersion", "versioned",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	// Three of the runs are named, those that were replayed first.
	named := slices.DeleteFunc(slices.Clone(s.People), func(who account.Account) bool { return !strings.Contains(out, runID(t, s, who)) })
	if len(named) < 2 {
		t.Errorf("the report names the runs of %d people:\n%s", len(named), out)
	}
	if got := lastLine(p); !strings.HasSuffix(got, "runs diverge: do not deploy this build as it is") {
		t.Errorf("on a changed build, %d runs: %s", runs, got)
	}
	for _, who := range s.People {
		if strings.Contains(out+p.Err.String(), who.ID+"@") {
			t.Error("security 11: the report holds an address")
		}
	}
}

// Each is a reason why nothing can be said, and none may look like a divergence.
func checkUnchecked(t *testing.T, s *site.Site, path string) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "keys")
	s.Run(t, 0, "keys", "new", other)
	wrong := replay(t, s, path, 2, []string{"REKEY_KEYS=" + other})
	if got := lastLine(wrong); !strings.Contains(got, "the keyset lacks a key of this history") {
		t.Errorf("with other keysets: %s", got)
	}
	if out := wrong.Out.String(); !strings.Contains(out, "event 1 WorkflowExecutionStarted") {
		t.Errorf("with other keysets:\n%s", out)
	}
	for env, want := range map[string]string{
		"TEMPORAL_ADDRESS=" + site.FreeAddr(t): "check TEMPORAL_ADDRESS",
		"TEMPORAL_NAMESPACE=elsewhere":         "check TEMPORAL_NAMESPACE",
		"REKEY_KEYS=" + t.TempDir():            "payload.json",
		"REKEY_REPLAY_WORKFLOW_ID=reset/none":  "there is no history to replay",
	} {
		if got := lastLine(replay(t, s, path, 2, []string{env})); !strings.Contains(got, want) {
			t.Errorf("with %s: %s, want %q in it", env, got, want)
		}
	}
}

func checkParallel(t *testing.T, s *site.Site, path string, runs int) {
	t.Helper()
	g := inFront(t, s)
	three := g.hold(3) // the first three wait for each other
	got := report(t, replay(t, s, path, 0, []string{"TEMPORAL_ADDRESS=" + g.addr}, "--json", "--parallel", "3"))
	if want := (replayed{Replayed: runs}); !got.equal(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	process.Happens(t, patience, three, "three downloads at once")
	if most := g.most(); most != 3 {
		t.Errorf("%d downloads at once, want 3", most)
	}
}

// A run that retention deletes while the others are replayed is no error.
func checkGone(t *testing.T, s *site.Site, path string, runs int) {
	t.Helper()
	g := inFront(t, s)
	g.deleteFirst(t, s)
	got := report(t, replay(t, s, path, 0, []string{"TEMPORAL_ADDRESS=" + g.addr}, "--json"))
	if want := (replayed{Replayed: runs - 1, Gone: 1}); !got.equal(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Ctrl-C ends it, and the results until then are printed.
func checkStops(t *testing.T, s *site.Site, path string) {
	t.Helper()
	g := inFront(t, s)
	held := g.stopAfter(10, 2)
	p := process.Start(t, path, append(append([]string{}, s.Env...), "TEMPORAL_ADDRESS="+g.addr), "replay", "--json", "--parallel", "2")
	process.Happens(t, patience, held, "ten downloads")
	p.Signal(t, syscall.SIGINT)
	if code := p.Exit(t); code != 2 || !strings.HasPrefix(lastLine(p), "rekey: stopped") {
		t.Errorf("exit code %d: %s", code, lastLine(p))
	}
	if got, want := report(t, p), (replayed{Replayed: 10, Partial: true}); !got.equal(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
