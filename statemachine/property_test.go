package statemachine_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/rekeyhq/rekey/statemachine"
)

// In any order of events, a settled reset stays settled and a final state stays. Only a submission
// that the store accepted ends as completed.
func TestAnyOrderOfEvents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := statemachine.New(statemachine.Reset)
		var submitted, changed bool
		for _, e := range rapid.SliceOfN(rapid.SampledFrom(statemachine.Reset.Events()), 0, 40).Draw(t, "events") {
			settled, final, before := m.Settled(), m.Final(), m.State()
			moved := m.Fire(e) == nil
			submitted = submitted || moved && e == statemachine.TokenSubmitted
			changed = changed || moved && e == statemachine.PasswordChanged
			switch {
			case settled && !m.Settled():
				t.Fatalf("%s in %s unsettled it", e, before)
			case final && moved:
				t.Fatalf("%s moved it out of %s", e, before)
			case changed && !submitted:
				t.Fatal("changed without a submission")
			case m.State() == statemachine.StateCompleted && !changed:
				t.Fatal("completed without a change")
			case changed && m.State() != statemachine.StatePasswordChanged && m.State() != statemachine.StateCompleted:
				t.Fatalf("changed, yet it is %s", m.State())
			}
		}
	})
}
