package starter

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

// Another demand for an open run names its caller, as the first one does.
func TestDemandNamesItsCaller(t *testing.T) {
	t.Parallel()
	s := newTeller(t, nil)
	if err := s.Of(workflow.Invite, DefaultInviteLife).Demand(t.Context(), "ann@example.com", "backend token 1", "Bo Ek"); err != nil {
		t.Fatal(err)
	}
	want := flow.Caller{AccountKey: s.input.AccountKey, Operator: "backend token 1"}
	for _, told := range s.told {
		if diff := cmp.Diff(want, told.Caller); diff != "" {
			t.Error(diff)
		}
	}
	if s.memo != nil {
		t.Errorf("an invitation has the memo %v", s.memo)
	}
}

// A repetition of a named demand begins nothing while its run is open. Its order is the same in each
// case, so that the store executes it once. An unnamed demand is always another one.
func TestDemandOnce(t *testing.T) {
	t.Parallel()
	s := newTeller(t, nil)
	force := s.Of(workflow.ForceReset, DefaultInviteLife)
	demand := func(address, operator, name string) (order string, began bool) {
		t.Helper()
		s.told = nil
		if err := force.DemandOnce(t.Context(), address, operator, "stolen", name); err != nil {
			t.Fatal(err)
		}
		for _, told := range s.told {
			began = began || told.Call == "signal with start"
		}
		return s.input.Order, began
	}
	first, began := demand("ann@example.com", "backend token 1", "4711")
	if _, again := demand("ann@example.com", "backend token 1", "4711"); !began || again {
		t.Errorf("the first time it begins a run: %t; the second time: %t", began, again)
	}
	s.memo = nil // the run has ended
	if order, began := demand("ann@example.com", "backend token 1", "4711"); !began || order != first {
		t.Errorf("after the run: %t, order %s, want %s", began, order, first)
	}
	for _, other := range [][3]string{
		{"ann@example.com", "backend token 2", "4711"},
		{"bob@example.com", "backend token 1", "4711"},
		{"ann@example.com", "backend token 1", "4712"},
		{"ann@example.com", "backend token 1", ""},
	} {
		if order, began := demand(other[0], other[1], other[2]); !began || order == first {
			t.Errorf("%v: %t, order %s", other, began, order)
		}
	}
}

// An invitation that a backend withdraws names the run that it means: only so the audit log has the name.
func TestWithdrawNamesTheRun(t *testing.T) {
	t.Parallel()
	s := newTeller(t, nil)
	if err := s.Of(workflow.Invite, DefaultInviteLife).Withdraw(t.Context(), "ann@example.com", "backend token 1"); err != nil {
		t.Fatal(err)
	}
	last := s.told[len(s.told)-1]
	if last.Signal != flow.DisownSignal || last.Caller.Operator != "backend token 1" || last.Caller.Run != waitingRun().GetWorkflowExecutionInfo().GetExecution().GetRunId() || last.Caller.Run == "" {
		t.Errorf("%+v", last)
	}
}
