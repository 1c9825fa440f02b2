//go:build !race

// Package mutants shows that the replay of the recorded runs bites: it builds the
// workflow with one mistake at a time and sees the replay fail.
package mutants

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/golden"
	"github.com/rekeyhq/rekey/internal/overlay"
)

// mutant is the workflow with a change.
type mutant struct {
	what    string // the change, as the document calls it
	changes []overlay.Change
	lives   string // why no replay can fail for it; "" for the others
}

// replayTest is the test of package workflow that replays the recorded runs, each in a
// subtest with the name of release and story.
const replayTest = "TestRecordedRunsReplay"

// Every mistake is found by a recorded run, and no change is that an open run would not
// notice. Which run finds which is in docs/replay.md.
func TestReplayBites(t *testing.T) {
	t.Parallel()
	wrong, right := mutants(), allowed()
	tests := make([]replayed, len(wrong)+len(right))
	t.Run("all", func(t *testing.T) {
		for i, m := range slices.Concat(wrong, right) {
			t.Run(m.what, func(t *testing.T) {
				t.Parallel()
				tests[i] = m.replay(t)
				if want := i < len(wrong) && m.lives == ""; (len(tests[i].failed) > 0) != want {
					t.Errorf("failed: %v; want a failure is %v", tests[i].failed, want)
				}
			})
		}
	})
	if t.Failed() || slices.ContainsFunc(tests, replayed.empty) { // -run has left some out
		return
	}
	golden.Check(t, "../../../docs/replay.md", document(wrong, right, tests))
}

// replayed is what became of the recorded runs.
type replayed struct{ passed, failed []string }

func (r replayed) empty() bool { return len(r.passed)+len(r.failed) == 0 }

var result = regexp.MustCompile(`(?m)^    --- (PASS|FAIL): ` + replayTest + `/(\S+)`)

// replay builds the mutant's tests and replays the runs.
func (m mutant) replay(t *testing.T) (r replayed) {
	t.Helper()
	dir := t.TempDir()
	list, err := overlay.Write(dir, m.changes...)
	if err != nil {
		t.Fatal(err)
	}
	tests := filepath.Join(dir, "tests")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags=-s -w", "-overlay", list, "-o", tests, "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, out)
	}
	replay := exec.CommandContext(t.Context(), tests, "-test.run=^"+replayTest+"$", "-test.v", "-test.timeout=1m")
	replay.Dir = ".."
	out, err := replay.CombinedOutput()
	for _, line := range result.FindAllSubmatch(out, -1) {
		if name := string(line[2]); string(line[1]) == "PASS" {
			r.passed = append(r.passed, name)
		} else {
			r.failed = append(r.failed, name)
		}
	}
	slices.Sort(r.failed)
	if r.empty() || (err != nil) != (len(r.failed) > 0) || bytes.Contains(out, []byte("panic: test timed out")) {
		t.Fatalf("passed %v, failed %v, %v\n%s", r.passed, r.failed, err, out)
	}
	return r
}

// by is who found a mutant, shortened where many did.
func (r replayed) by() string {
	switch n := len(r.failed); {
	case len(r.passed) == 0:
		return "every run"
	case n > 4:
		return fmt.Sprintf("%d of %d runs, such as %s", n, n+len(r.passed), r.failed[0])
	default:
		return strings.Join(r.failed, ", ")
	}
}

func document(wrong, right []mutant, tests []replayed) string {
	var b strings.Builder
	b.WriteString(head)
	for i, m := range wrong {
		if m.lives == "" {
			fmt.Fprintf(&b, "| %s | %s |\n", m.what, tests[i].by())
		}
	}
	b.WriteString(unseen)
	for _, m := range wrong {
		if m.lives != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", m.what, m.lives)
		}
	}
	b.WriteString(free)
	for _, m := range right {
		fmt.Fprintf(&b, "- %s\n", m.what)
	}
	return b.String()
}
