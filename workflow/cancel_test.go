package workflow_test

import (
	"testing"
	"time"

	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

func TestCancel(t *testing.T) {
	t.Parallel()
	for name, mailTakes := range map[string]time.Duration{"while the mail is in flight": time.Hour, "after it": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.mail = func(int, workflow.Mail) answer { return answer{after: mailTakes, result: workflow.Delivery{}} }
			s.at(5*time.Minute, s.CancelWorkflow)
			s.at(6*time.Minute, s.submit("one"))
			diff(t, "outcome", s.run(), workflow.Outcome{State: statemachine.StateCanceled, Mails: 1})
			diff(t, "end", s.elapsed(), 5*time.Minute)
			diff(t, "changes", len(s.changes), 0)
		})
	}
}

// A submission that is accepted is carried out and told, whoever cancels: neither the
// change nor the notice is cut short.
func TestCancelAfterTheSubmissionIsIgnored(t *testing.T) {
	t.Parallel()
	for name, canceled := range map[string]time.Duration{
		"while the password is changed": 5*time.Minute + time.Second,
		"while the owner is told":       5*time.Minute + 15*time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.change = func(_ int, c workflow.Change) answer { return answer{after: 10 * time.Second, result: changed(c)} }
			s.notice = func(int, workflow.Mail) answer { return answer{after: 10 * time.Second, result: workflow.Delivery{}} }
			s.at(5*time.Minute, s.submit("one"))
			s.at(canceled, s.CancelWorkflow)
			diff(t, "outcome", s.run(), workflow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
			diff(t, "end", s.elapsed(), 5*time.Minute+20*time.Second)
			diff(t, "stopped", len(s.stopped), 0)
		})
	}
}

// What nobody's link made is no submission, so a cancel during it still counts.
func TestCancelDuringNobodysSubmission(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.change = func(_ int, c workflow.Change) answer { return answer{after: 10 * time.Second, result: unknown(c)} }
	s.at(5*time.Minute, s.submit("nobody's"))
	s.at(5*time.Minute+time.Second, s.CancelWorkflow)
	diff(t, "outcome", s.run(), workflow.Outcome{State: statemachine.StateCanceled, Mails: 1})
}
