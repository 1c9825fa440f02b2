package workflow_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/testsuite"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// reply is an answer to the outcome update, and its time.
type reply struct {
	Out flow.Outcome
	At  time.Duration
}

// outcome returns a caller of the outcome update.
func (s *story) outcome(updateID string, got *[]reply) func() {
	return func() {
		s.UpdateWorkflow(flow.OutcomeUpdate, updateID, &testsuite.TestUpdateCallback{
			OnAccept: func() {},
			OnReject: func(err error) { s.t.Errorf("the update is rejected: %v", err) },
			OnComplete: func(out any, err error) {
				s.check(err)
				*got = append(*got, reply{s.named(out.(flow.Outcome)), s.elapsed()})
			},
		})
	}
}

// The answer comes as soon as the password question is decided, without waiting for the owner's
// notice. A later caller gets the same one.
func TestOutcomeOfAChange(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.change = func(_ int, c flow.Change) answer { return answer{after: 10 * time.Second, result: changed(c)} }
	s.notice = func(int, flow.Mail) answer { return answer{after: time.Hour, result: flow.Delivery{}} }
	var got []reply
	s.at(time.Minute, s.outcome(flow.OutcomeUpdateID, &got))
	s.at(5*time.Minute, s.submit("one"))
	s.at(5*time.Minute+time.Second, s.outcome(flow.OutcomeUpdateID, &got))
	s.at(10*time.Minute, s.outcome(flow.OutcomeUpdateID, &got))
	s.run()
	out := flow.Outcome{State: statemachine.StatePasswordChanged, Accepted: "one", Mails: 1}
	decided := 5*time.Minute + 10*time.Second
	diff(t, "replies", got, []reply{{out, decided}, {out, decided}, {out, 10 * time.Minute}})
	diff(t, "end", s.elapsed(), decided+time.Hour)
}

// A run answers waiting callers before it closes.
func TestOutcomeOfARunThatEnds(t *testing.T) {
	t.Parallel()
	refused := func(_ int, c flow.Change) answer {
		return answer{result: flow.Verdict{Event: statemachine.ChangeRefused, Submission: c.Submission.ID, Reason: "why"}}
	}
	for name, tc := range map[string]struct {
		tell func(*story)
		want flow.Outcome
	}{
		"canceled": {
			func(s *story) { s.at(5*time.Minute, s.CancelWorkflow) },
			flow.Outcome{State: statemachine.StateCanceled, Mails: 1},
		},
		"expired": {
			func(*story) {},
			flow.Outcome{State: statemachine.StateExpired, Mails: 1},
		},
		"refused": {
			func(s *story) { s.change = refused; s.at(5*time.Minute, s.submit("one")) },
			flow.Outcome{State: statemachine.StateRefused, Accepted: "one", Mails: 1, Refused: "why"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			var got []reply
			s.at(0, s.outcome(flow.OutcomeUpdateID, &got))
			s.at(time.Minute, s.outcome("an operator's", &got))
			tc.tell(s)
			diff(t, "outcome", s.run(), tc.want)
			diff(t, "replies", got, []reply{{tc.want, s.elapsed()}, {tc.want, s.elapsed()}})
		})
	}
}

// A cancel that comes too late must not cut the answer short.
func TestOutcomeSurvivesACancel(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.change = func(_ int, c flow.Change) answer { return answer{after: 10 * time.Second, result: changed(c)} }
	var got []reply
	s.at(time.Minute, s.outcome(flow.OutcomeUpdateID, &got))
	s.at(5*time.Minute, s.submit("one"))
	s.at(5*time.Minute+time.Second, s.CancelWorkflow)
	s.run()
	diff(t, "replies", got, []reply{{
		flow.Outcome{State: statemachine.StatePasswordChanged, Accepted: "one", Mails: 1}, 5*time.Minute + 10*time.Second,
	}})
}
