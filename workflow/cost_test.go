package workflow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/internal/testkit/cost"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
)

// mostActions is the most Actions of an undisturbed reset.
const mostActions = 9

// costPage has the table, between two marks.
var costPage = filepath.Join("..", "docs", "performance.md")

const tableBegins, tableEnds = "<!-- costs: go test ./workflow -run TestCost -update -->\n", "<!-- end of costs -->\n"

// The cost of each story is in the table: it changes on purpose or not at all.
func TestCostsAreInTheTable(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(costPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(raw), tableBegins)
	table, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s lacks the marks of the table", costPage)
	}
	want := costs(t)
	if *golden.Update {
		if err := os.WriteFile(costPage, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(table, want); diff != "" {
		t.Errorf("%s (-page +runs), -update writes it anew:\n%s", costPage, diff)
	}
}

func costs(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| run | Actions | events | workflow-task events | bytes |\n|---|---:|---:|---:|---:|\n")
	stories(t, func(t *testing.T, name string, h *historypb.History) {
		t.Helper()
		c := costOf(t, name, h)
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", name, c.Actions, c.Events, c.Tasks, c.Bytes)
	})
	return b.String()
}

func costOf(t *testing.T, name string, h *historypb.History) cost.Cost {
	t.Helper()
	c, err := cost.Of(h)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

func TestCostOfAReset(t *testing.T) {
	t.Parallel()
	for _, r := range releases() {
		name := r.version + "/happy"
		if c := costOf(t, name, history(t, name)); c.Actions > mostActions || c.Actions == 0 {
			t.Errorf("%s costs %d Actions, want at most %d", name, c.Actions, mostActions)
		}
	}
}
