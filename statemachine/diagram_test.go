package statemachine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/statemachine"
)

// The golden file is the picture of the machine in the README. To make it again:
// go test ./statemachine -run TestDiagram -update
func TestDiagramGolden(t *testing.T) {
	t.Parallel()
	golden.Check(t, "diagram.golden", statemachine.Reset.Diagram())
}

// The picture shows all moves of the machine and no other.
func TestDiagramIsTrue(t *testing.T) {
	t.Parallel()
	drawn := map[string]int{}
	for line := range strings.Lines(statemachine.Reset.Diagram()) {
		drawn[strings.TrimSpace(line)]++
	}
	want := map[string]int{"stateDiagram-v2": 1, "[*] --> " + string(statemachine.New(statemachine.Reset).State()): 1}
	for from, path := range paths(t) {
		if walk(t, path).Final() {
			want[string(from)+" --> [*]"] = 1
		}
		for _, e := range statemachine.Reset.Events() {
			if m := walk(t, path); m.Fire(e) == nil {
				want[string(from)+" --> "+string(m.State())+" : "+string(e)] = 1
			}
		}
	}
	if diff := cmp.Diff(want, drawn); diff != "" {
		t.Error(diff)
	}
}
