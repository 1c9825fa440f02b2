package operators

import (
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
)

// stats is the output of `rekey stats --json`.
type stats struct {
	Open, Ended []struct {
		Name string
		Runs int
	}
}

func (r *room) stats(t *testing.T) map[string]int {
	t.Helper()
	var s stats
	decode(t, r.operate(t, 0, "stats", "--json"), &s)
	counts := map[string]int{}
	for _, c := range append(s.Open, s.Ended...) {
		counts[c.Name] = c.Runs
	}
	return counts
}

// Stats count the open runs and the ends of the others. They need no keys.
func TestStats(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "heidi")
	r.Worker(t)
	r.Starter(t)
	if got := r.stats(t); got["younger than 1 h"] != 0 || got["completed"] != 0 || len(got) != 11 {
		t.Errorf("before the first reset: %v", got)
	}
	for _, who := range r.People {
		r.Forgot(t, who)
		r.Token(t, who, 1)
	}
	r.Insist(t, r.Token(t, r.People[0], 1), newPassword)
	r.operate(t, 0, "cancel", r.People[1].Address)
	id := r.find(t, r.People[2].Address)[0].ID
	if err := r.Dial(t).TerminateWorkflow(t.Context(), id, "", "a test"); err != nil {
		t.Fatal(err)
	}
	var got map[string]int
	process.Eventually(t, patience, "the counts", func() bool {
		got = r.stats(t)
		return got["younger than 1 h"] == 1 && got["completed"] == 1 && got["canceled"] == 1 && got["terminated"] == 1
	})
	if got["1 h to 24 h"]+got["older than 24 h"]+got["expired"]+got["refused"]+got["failed"]+got["timed out"] != 0 {
		t.Errorf("counts: %v", got)
	}
	answered(t, r.operate(t, 0, "stats"), "ENDED                  RUNS  RESET  INVITATION  FORCED-RESET\ncompleted              1     1      0           0\n")
	r.toldNothing(t)
}
