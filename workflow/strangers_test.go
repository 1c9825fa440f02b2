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

// security 27: nor can a stranger decide about a password. A result in clear is no
// verdict, nor is a sealed one of another run; the activity is repeated.
func TestStrangerDecides(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]answer{
		"payload in clear":       {result: inClear(workflow.Verdict{Event: statemachine.ChangeRefused, Submission: "one"})},
		"empty payload":          {result: inClear(nil)},
		"nothing":                {},
		"typed error":            {err: errStranger},
		"cancellation":           {err: temporal.NewCanceledError()},
		"verdict of another run": {result: changed(workflow.Change{Submission: submission("another")})},
		"unknown of another run": {result: unknown(workflow.Change{Submission: submission("another")})},
		"verdict of another run about the same submission": {result: verdictOf("another run")},
		"verdict of no run":       {result: verdictOf("")},
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

// verdictOf is what the store said of this submission in another run, as it is: whoever copied
// the verdict from there has copied the submission too.
func verdictOf(run string) *workflow.Verdict {
	return &workflow.Verdict{Event: statemachine.PasswordChanged, Run: run, Submission: "one", Account: owner}
}

// security 27: a link mail whose answer is not ours is begun again: at once, then after pauses,
// and after some it has failed. That is also how a run goes on that was reset while the mail
// was pending, because what was scheduled before names another sender.
func TestForeignDeliveryIsNoLink(t *testing.T) {
	t.Parallel()
	foreign := map[string]answer{
		"of another run":   {result: workflow.Delivery{Mail: "another run/1"}},
		"of another mail":  {result: workflow.Delivery{Mail: sender + "/2"}},
		"of no mail":       {result: &workflow.Delivery{}},
		"not sealed":       {result: inClear(workflow.Delivery{Mail: sender + "/1"})},
		"a failure":        {err: errStranger},
		"another sender's": {err: temporal.NewNonRetryableApplicationError("the input is another run's", "foreign_input", nil)},
	}
	for name, a := range foreign {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.mail = func(n int, _ workflow.Mail) answer {
				if n < 3 {
					return a
				}
				return answer{result: workflow.Delivery{}}
			}
			diff(t, "outcome", s.run(), workflow.Outcome{State: statemachine.StateExpired, Mails: 1})
			diff(t, "mails", s.times(), []time.Duration{0, 0, 10 * time.Second})
			diff(t, "the same mail", s.mails[2].Mail, s.mails[0].Mail)
			diff(t, "steps", s.transitions()[1], "link_sent awaiting_token")
		})
	}
	s := newStory(t)
	s.mail = func(int, workflow.Mail) answer { return foreign["a failure"] }
	diff(t, "outcome", s.run(), workflow.Outcome{State: statemachine.StateExpired, Mails: 1, Withheld: workflow.MailFailed})
	diff(t, "mails", s.times(), []time.Duration{0, 0, 10 * time.Second, 30 * time.Second})
}

// A mail is tried for a day, whoever answers for it.
func TestLinkMailIsTriedForADay(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, workflow.Mail) answer { return answer{after: 13 * time.Hour, err: errStranger} }
	diff(t, "withheld", s.run().Withheld, workflow.MailFailed)
	var patience []time.Duration
	for _, w := range s.works {
		patience = append(patience, w.ScheduleToCloseTimeout)
	}
	diff(t, "patience", patience, []time.Duration{24 * time.Hour, 11 * time.Hour})
}

// A submission ends the run whose mail is still being begun again.
func TestUsedWhileTheMailIsBegunAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(n int, _ workflow.Mail) answer {
		if n == 3 {
			return answer{after: time.Hour, result: workflow.Delivery{}}
		}
		return answer{err: errStranger}
	}
	s.at(5*time.Second, s.submit("one"))
	diff(t, "state", s.run().State, statemachine.StateCompleted)
	diff(t, "end", s.elapsed(), 5*time.Second)
	diff(t, "mails", len(s.mails), 2)
}

// security 27: a signal that is not sealed by us, or is sealed for another account, is
// none: no mail, no cancel, and the run goes on.
func TestStrangerSignals(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]any{
		"in clear":           inClear(disowner),
		"other JSON":         inClear("anything"),
		"nothing":            nil,
		"of another account": workflow.Caller{AccountKey: "fedcba9876543210fedcba9876543210", LinkRun: disowner.LinkRun},
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
