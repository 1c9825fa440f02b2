package workflow_test

import (
	"errors"
	"testing"
	"time"

	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// next is the input of the run that a run continues as.
func (s *story) next() flow.Request {
	s.t.Helper()
	s.execute(s.in)
	s.note()
	var e *sdk.ContinueAsNewError
	if err := s.GetWorkflowError(); !errors.As(err, &e) {
		s.t.Fatalf("the run does not continue: %v", err)
	}
	diff(s.t, "workflow", e.WorkflowType.Name, workflow.ResetPassword.Name)
	var in flow.Request
	s.check(sealed().FromPayloads(e.Input, &in))
	*in.Previous = s.named(*in.Previous)
	return in
}

// A new run answers a request that comes too late. The old run ends first, with its notice to the
// owner.
func TestLateRequestContinues(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]time.Duration{
		"while the password is changed": 5*time.Minute + time.Second,
		"while the owner is told":       5*time.Minute + 15*time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.change = func(_ int, c flow.Change) answer { return answer{after: 10 * time.Second, result: changed(c)} }
			s.notice = func(int, flow.Mail) answer { return answer{after: 10 * time.Second, result: flow.Delivery{}} }
			s.at(5*time.Minute, s.submit("one"))
			s.at(asked, s.ask)
			diff(t, "input", s.next(), flow.Request{
				Address: s.in.Address, AccountKey: accountKey, LinkLife: life, MailPause: coolDown,
				Client: again.Client, Previous: &flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1},
			})
			diff(t, "mails", len(s.mails), 1)
			diff(t, "end", s.elapsed(), 5*time.Minute+20*time.Second)
		})
	}
}

// The run that continues names the last caller, not the operator who asked first.
func TestContinuedRunIsOfWhoAskedLast(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first string
		asks  flow.Caller
	}{"an operator": {"", operator}, "a client": {"b.jones", again}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.in.Operator = tc.first
			s.at(5*time.Minute, func() {
				s.SignalWorkflowSkippingWorkflowTask(flow.RequestSignal, tc.asks)
				s.CancelWorkflow()
			})
			next := s.next()
			diff(t, "who asked", [2]string{next.Client, next.Operator}, [2]string{tc.asks.Client, tc.asks.Operator})
		})
	}
}

// A request in the same task as a cancel or a submission is late too.
func TestRequestBesideACancelContinues(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(5*time.Minute, func() {
		s.SignalWorkflowSkippingWorkflowTask(flow.RequestSignal, again)
		s.CancelWorkflow()
	})
	diff(t, "previous", s.next().Previous, &flow.Outcome{State: statemachine.StateCanceled, Mails: 1})
}

// A run keeps only the outcome of the one before it, not a chain.
func TestContinuedRun(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.in.Previous = &flow.Outcome{State: statemachine.StateRefused, Accepted: "zero", Mails: 2, Refused: "why"}
	s.at(5*time.Minute, s.submit("one"))
	s.at(5*time.Minute, s.ask)
	diff(t, "previous", s.next().Previous, &flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
}

// The search attribute is set once a run, at its end: each time is a billable action. A run that
// continues another inherits its state, and first sets "requested".
func TestSearchAttribute(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		previous *flow.Outcome
		tell     func(*story)
		want     []string
	}{
		"completed": {nil, func(s *story) { s.at(5*time.Minute, s.submit("one")) }, []string{"completed"}},
		"canceled":  {nil, func(s *story) { s.at(5*time.Minute, s.CancelWorkflow) }, []string{"canceled"}},
		"expired":   {nil, func(s *story) { s.at(5*time.Minute, s.ask) }, []string{"expired"}},
		"continued": {
			&flow.Outcome{State: statemachine.StateCompleted},
			func(*story) {},
			[]string{"requested", "expired"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.in.Previous = tc.previous
			tc.tell(s)
			s.run()
			diff(t, "values", s.upserts, tc.want)
		})
	}
}
