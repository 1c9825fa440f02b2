//go:build !race

// Package mutants shows that the replay of the recorded runs finds mistakes. It builds the
// workflow with one mistake at a time and sees the replay fail.
package mutants

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/internal/testkit/overlay"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// mutant is the workflow with a change.
type mutant struct {
	what    string // the name of the change in the document
	changes []overlay.Change
	lives   string // why no recorded run finds it; "" for the others
}

// replayTest is the test of package workflow that replays the recorded runs, each in a
// subtest with the name of release and story.
const replayTest = "TestRecordedRunsReplay"

// A recorded run finds each mistake or, with a reason, another test of package workflow. No
// recorded run finds a change that open runs do not notice. docs/replay.md says which test finds
// which.
func TestReplayBites(t *testing.T) {
	t.Parallel()
	wrong, right := slices.Concat(mutants(), flowMutants()), allowed()
	found := make([]verdict, len(wrong)+len(right))
	t.Run("all", func(t *testing.T) {
		for i, m := range slices.Concat(wrong, right) {
			t.Run(m.what, func(t *testing.T) {
				t.Parallel()
				if i%20 != 0 { // the short suite has a sample
					suite.Long(t)
				}
				tests := m.build(t)
				found[i] = judge(t, tests, "-test.run=^"+replayTest+"$")
				if want := i < len(wrong) && m.lives == ""; found[i].bad() != want {
					t.Fatalf("the replay finds it for %v; want that it does: %v", found[i].runs, want)
				}
				if m.lives == "" {
					return
				}
				found[i] = judge(t, tests, "-test.skip=^"+replayTest+"$")
				if !found[i].bad() {
					t.Error("no test finds it")
				}
			})
		}
	})
	if t.Failed() || slices.ContainsFunc(found, verdict.empty) { // -run has left some out
		return
	}
	golden.Check(t, "../../../docs/replay.md", document(wrong, right, found))
}

// TestPlacesAreThere fails for a mutant whose place in the syntax tree is gone. Point the mutant,
// in table_test.go, to the place that has its meaning now.
func TestPlacesAreThere(t *testing.T) {
	t.Parallel()
	for _, m := range slices.Concat(mutants(), flowMutants(), allowed()) {
		if _, err := overlay.Write(t.TempDir(), m.changes...); err != nil {
			t.Errorf("%s: %v", m.what, err)
		}
	}
}

// build builds the tests of package workflow with the mutant in its place.
func (m mutant) build(t *testing.T) (program string) {
	t.Helper()
	dir := t.TempDir()
	list, err := overlay.Write(dir, m.changes...)
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(dir, "tests")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags=-s -w", "-overlay", list, "-o", program, "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, out)
	}
	return program
}

// verdict is the result of some tests: the failed ones, and the failed recorded runs.
type verdict struct {
	passed      int // recorded runs, or tests when none was replayed
	tests, runs []string
}

func (v verdict) bad() bool   { return len(v.tests) > 0 }
func (v verdict) empty() bool { return !v.bad() && v.passed == 0 }

var result = regexp.MustCompile(`(?m)^ *--- (PASS|FAIL): ([^/\s]+)(?:/(v\d\S+))?`)

// judge runs some of the tests.
func judge(t *testing.T, tests, which string) (v verdict) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tests, which, "-test.v", "-test.timeout=2m")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "REKEY_TEST=") // the long tests find no other mistake
	out, err := cmd.CombinedOutput()
	for _, m := range result.FindAllSubmatch(out, -1) {
		name, history := string(m[2]), string(m[3])
		switch {
		case string(m[1]) == "PASS":
			v.passed++
		case history != "":
			v.runs = append(v.runs, history)
		case !slices.Contains(v.tests, name):
			v.tests = append(v.tests, name)
		}
	}
	slices.Sort(v.runs)
	slices.Sort(v.tests)
	if v.empty() || (err != nil) != v.bad() || bytes.Contains(out, []byte("panic: test timed out")) {
		t.Fatalf("failed %v %v, %v\n%s", v.tests, v.runs, err, out)
	}
	return v
}

// by is the list of tests that found a mutant, shortened where it is long.
func (v verdict) by() string {
	switch n := len(v.runs); {
	case n == 0:
		return v.tests[0]
	case n > 4 && v.passed == 0:
		return "every run"
	case n > 4:
		return fmt.Sprintf("%d of %d runs, such as %s", n, n+v.passed, v.runs[0])
	default:
		return strings.Join(v.runs, ", ")
	}
}

func document(wrong, right []mutant, found []verdict) string {
	var killed, other, free strings.Builder
	for i, m := range wrong {
		if m.lives != "" {
			fmt.Fprintf(&other, "| %s | %s | `%s` |\n", m.what, m.lives, found[i].by())
		} else {
			fmt.Fprintf(&killed, "| %s | %s |\n", m.what, found[i].by())
		}
	}
	for _, m := range right {
		fmt.Fprintf(&free, "- %s\n", m.what)
	}
	return fmt.Sprintf(page, &killed, &other, &free)
}
