package workflow_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// errStranger is an error of a type that somebody made up.
var errStranger = temporal.NewNonRetryableApplicationError("no", string(statemachine.ChangeRefused), nil)

// security 27: whoever may talk to Temporal and has no keys of ours can complete the
// wait of a run. It is armed again, and the owner's link works.
func TestStrangerUsesTheWait(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]answer{
		"payload in clear": {result: inClear(submission("stranger's"))},
		"empty payload":    {result: inClear(nil)},
		"no submission":    {result: workflow.Submission{}},
		"error":            {err: errStranger},
		"cancellation":     {err: temporal.NewCanceledError()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.at(5*time.Minute, s.complete(attack.result, attack.err))
			s.at(6*time.Minute, s.complete(attack.result, attack.err))
			s.at(10*time.Minute, s.submit("one"))
			diff(t, "outcome", s.run(), workflow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
			diff(t, "changes", s.changes, []workflow.Change{apply("one")})
			diff(t, "waits", s.waits, 3)
			diff(t, "ID of the last wait", s.wait.ActivityID, workflow.AwaitTokenSubmission+"-3")
		})
	}
}

// A wait that is armed again leaves the link the life it had.
func TestStrangerDoesNotProlongALink(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(20*time.Minute, s.complete(nil, errStranger))
	diff(t, "state", s.run().State, statemachine.StateExpired)
	diff(t, "end", s.elapsed(), lifetime)
}

// security 27: nor can a stranger decide about a password. What is not ours is no
// verdict, not even a sealed one of ours from another run; the activity is repeated.
func TestStrangerDecides(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]answer{
		"payload in clear":        {result: inClear(workflow.Verdict{Event: statemachine.ChangeRefused, Submission: "one"})},
		"empty payload":           {result: inClear(nil)},
		"nothing":                 {},
		"typed error":             {err: errStranger},
		"cancellation":            {err: temporal.NewCanceledError()},
		"verdict of another run":  {result: changed(workflow.Change{Submission: submission("another")})},
		"unknown of another run":  {result: unknown(workflow.Change{Submission: submission("another")})},
		"delivery in its place":   {result: workflow.Delivery{Withheld: workflow.NoAccount}},
		"submission in its place": {result: workflow.Submission{ID: "one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.change = func(n int, c workflow.Change) answer {
				if n <= 2 {
					return attack
				}
				return answer{result: changed(c)}
			}
			s.at(5*time.Minute, s.submit("one"))
			diff(t, "outcome", s.run(), workflow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
			one := apply("one")
			diff(t, "changes", s.changes, []workflow.Change{one, one, one})
			if s.elapsed() == 5*time.Minute {
				t.Error("the change is repeated without a pause")
			}
		})
	}
}

// security 27: a signal that is not sealed by us, or is sealed for another account, is
// none: no mail, no cancel, and the run goes on.
func TestStrangerSignals(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]any{
		"in clear":           inClear(disowner),
		"other JSON":         inClear("anything"),
		"nothing":            nil,
		"of another account": workflow.Caller{AccountKey: "fedcba9876543210fedcba9876543210", Link: disowner.Link},
		"no caller":          submission("one"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			for minute := range 20 {
				s.at(time.Duration(minute+5)*time.Minute, func() { s.SignalWorkflow(workflow.RequestSignal, payload) })
				s.at(time.Duration(minute+5)*time.Minute, func() { s.SignalWorkflow(workflow.DisownSignal, payload) })
			}
			diff(t, "outcome", s.run(), workflow.Outcome{State: statemachine.StateExpired, Mails: 1})
			diff(t, "end", s.elapsed(), lifetime)
		})
	}
}

// The account key in the input makes the links and the audit entries, so the input must
// be that of the workflow ID: a sealed one of ours can be copied to another ID.
func TestForeignInput(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]any{
		"of another workflow ID": workflow.Request{AccountKey: "fedcba9876543210fedcba9876543210"},
		"in clear":               inClear(workflow.Request{AccountKey: accountKey}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.execute(input)
			if s.GetWorkflowError() == nil || len(s.mails) > 0 || s.waits > 0 {
				t.Errorf("the run began: %v, %d mails, %d waits", s.GetWorkflowError(), len(s.mails), s.waits)
			}
		})
	}
}

// A payload of ours under a key that this worker lacks must not be taken for a
// stranger's: the workflow task fails, and the run waits for a worker that has the key.
func TestUnknownKeyWaits(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	newer, err := keysets().after.ToPayloads(submission("one"))
	s.check(err)
	s.at(5*time.Minute, s.complete(newer, nil))
	s.execute(s.in)
	wantPanic(t, s)
}
