package workflow_test

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// security 43: the audit log names the caller of a cancel.
func TestCancel(t *testing.T) {
	t.Parallel()
	const at = 5 * time.Minute
	for name, tc := range map[string]struct {
		mailTakes time.Duration
		cancel    func(*story)
		want      flow.Cancellation
	}{
		"by an operator while the mail is in flight": {time.Hour, (*story).CancelWorkflow, flow.Cancellation{}},
		"by an operator after it":                    {0, (*story).CancelWorkflow, flow.Cancellation{}},
		"by the owner while the mail is in flight":   {time.Hour, (*story).disown, flow.Cancellation{LinkRun: disowner.LinkRun, Client: disowner.Client}},
		"by the owner after it":                      {0, (*story).disown, flow.Cancellation{LinkRun: disowner.LinkRun, Client: disowner.Client}},
		"by a named operator":                        {0, func(s *story) { s.SignalWorkflow(flow.DisownSignal, operator) }, flow.Cancellation{Operator: operator.Operator, Meant: operator.Run}},
		"by the owner twice":                         {0, func(s *story) { s.disown(); s.disown() }, flow.Cancellation{LinkRun: disowner.LinkRun, Client: disowner.Client}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.mail = func(int, flow.Mail) answer { return answer{after: tc.mailTakes, result: flow.Delivery{}} }
			s.at(at, func() { tc.cancel(s) })
			s.at(at+time.Minute, s.submit("one"))
			diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCanceled, Mails: 1})
			diff(t, "end", s.elapsed(), at)
			diff(t, "changes", len(s.changes), 0)
			tc.want.Run, tc.want.Sender, tc.want.Address, tc.want.At = sender, sender, s.in.Address, started.Add(at)
			diff(t, "noted", s.cancels, []flow.Cancellation{tc.want})
		})
	}
}

// A cancel ends the reset, and its caller hears so while the audit log cannot be written. The run
// ends too when it gives up on that line.
func TestCancelThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.record = func(int) answer { return answer{after: time.Hour, err: errors.New("the store is away")} }
	s.at(5*time.Minute, s.disown)
	var got []reply
	s.at(6*time.Minute, s.ask)
	s.at(7*time.Minute, s.outcome(flow.OutcomeUpdateID, &got))
	canceled := flow.Outcome{State: statemachine.StateCanceled, Mails: 1}
	diff(t, "previous", s.next().Previous, &canceled)
	diff(t, "replies", got, []reply{{canceled, 7 * time.Minute}})
	diff(t, "end", s.elapsed(), 5*time.Minute+4*time.Hour+(0+10+20)*time.Second)
	diff(t, "times", len(s.cancels), 4)
}

// The audit log is tried for a day and not for ever. An account has one run, and this one has
// ended but for its line. A late line has the time of the cancel.
func TestCancelIsNotedWithinADay(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.record = func(n int) (a answer) {
		if n <= 3 {
			a.failed = errors.New("the store is away")
		}
		return a
	}
	s.at(5*time.Minute, s.disown)
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCanceled, Mails: 1})
	diff(t, "end", s.elapsed(), 5*time.Minute+(1+2+4)*time.Second)
	noted := flow.Cancellation{Run: sender, Sender: sender, Address: s.in.Address, At: started.Add(5 * time.Minute), LinkRun: disowner.LinkRun, Client: disowner.Client}
	diff(t, "noted", s.cancels, []flow.Cancellation{noted, noted, noted, noted})
	diff(t, "longest time", s.works[len(s.works)-1].ScheduleToCloseTimeout, 24*time.Hour)
}

// All attempts share that day, however late another one begins.
func TestCancelIsNotedAgainWithinTheSameDay(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.record = func(int) answer { return answer{after: 13 * time.Hour, err: errStranger} }
	s.at(5*time.Minute, s.disown)
	s.run()
	var patience []time.Duration
	for _, w := range s.works {
		if w.ActivityType.Name == flow.RecordCancel {
			patience = append(patience, w.ScheduleToCloseTimeout)
		}
	}
	diff(t, "patience", patience, []time.Duration{24 * time.Hour, 11 * time.Hour})
}

// A run after a workflow reset names itself anew at once. Activities scheduled before name another
// run.
func TestCancelIsNotedUnderTheRunThatIs(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.record = func(n int) answer {
		if n == 1 {
			return answer{err: temporal.NewNonRetryableApplicationError("the input is another run's", "foreign_input", nil)}
		}
		return answer{}
	}
	s.at(5*time.Minute, s.disown)
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCanceled, Mails: 1})
	diff(t, "times", len(s.cancels), 2)
	diff(t, "end", s.elapsed(), 5*time.Minute)
}

// Two mails have two links each. The audit log names the caller of the first link used.
func TestFirstToDisown(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	other := disowner
	other.Client = "192.0.2.10"
	s.at(5*time.Minute, func() {
		s.SignalWorkflowSkippingWorkflowTask(flow.DisownSignal, disowner)
		s.SignalWorkflow(flow.DisownSignal, other)
	})
	s.run()
	diff(t, "noted", s.cancels, []flow.Cancellation{
		{Run: sender, Sender: sender, Address: s.in.Address, At: started.Add(5 * time.Minute), LinkRun: disowner.LinkRun, Client: disowner.Client},
	})
}

func TestNothingIsNotedWithoutACancel(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(*story){
		"expired":   func(*story) {},
		"completed": func(s *story) { s.at(5*time.Minute, s.submit("one")) },
		"refused": func(s *story) {
			s.change = func(_ int, c flow.Change) answer {
				return answer{result: flow.Verdict{Event: statemachine.ChangeRefused, Submission: c.Submission.ID}}
			}
			s.at(5*time.Minute, s.submit("one"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			tell(s)
			diff(t, "state", string(s.run().State), name)
			diff(t, "noted", len(s.cancels), 0)
		})
	}
}

// A canceled run that stays open for the audit log mails no link any more.
func TestCancelStopsTheMail(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer { return answer{after: 3 * time.Hour, result: flow.Delivery{}} }
	s.record = func(int) answer { return answer{after: time.Hour} }
	s.at(5*time.Minute, s.disown)
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCanceled, Mails: 1})
	diff(t, "stopped", s.stopped, []string{flow.SendEmail})
}

// A cancel cuts neither an accepted change nor its notice short.
func TestCancelAfterTheSubmissionIsIgnored(t *testing.T) {
	t.Parallel()
	for name, canceled := range map[string]time.Duration{
		"while the password is changed": 5*time.Minute + time.Second,
		"while the owner is told":       5*time.Minute + 15*time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.change = func(_ int, c flow.Change) answer { return answer{after: 10 * time.Second, result: changed(c)} }
			s.notice = func(int, flow.Mail) answer { return answer{after: 10 * time.Second, result: flow.Delivery{}} }
			s.at(5*time.Minute, s.submit("one"))
			s.at(canceled, s.CancelWorkflow)
			s.at(canceled, s.disown)
			diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
			diff(t, "end", s.elapsed(), 5*time.Minute+20*time.Second)
			diff(t, "stopped", len(s.stopped), 0)
		})
	}
}

// A submission without a link of the run counts for nothing, so a cancel during it still counts.
func TestCancelDuringAStrangersSubmission(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.change = func(_ int, c flow.Change) answer { return answer{after: 10 * time.Second, result: unknown(c)} }
	s.at(5*time.Minute, s.submit("nobody's"))
	s.at(5*time.Minute+time.Second, s.CancelWorkflow)
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCanceled, Mails: 1})
}
