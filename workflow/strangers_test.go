package workflow_test

import (
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// errStranger is an error of an invented type.
var errStranger = temporal.NewNonRetryableApplicationError("no", string(statemachine.ChangeRefused), nil)

// security 27: a client of Temporal without keys can complete the wait of a run. The run opens
// another one, and the owner's link works.
func TestStrangerUsesTheWait(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]answer{
		"payload in clear": {result: inClear(submission("stranger's"))},
		"empty payload":    {result: inClear(nil)},
		"no submission":    {result: flow.Submission{}},
		"error":            {err: errStranger},
		"cancellation":     {err: temporal.NewCanceledError()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.at(5*time.Minute, s.complete(attack.result, attack.err))
			s.at(6*time.Minute, s.complete(attack.result, attack.err))
			s.at(10*time.Minute, s.submit("one"))
			diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
			diff(t, "changes", s.changes, []flow.Change{apply("one")})
			diff(t, "waits", s.waits, 3)
			diff(t, "ID of the last wait", s.wait.ActivityID, flow.AwaitTokenSubmission+"-3")
		})
	}
}

// Another wait leaves the link the life it had.
func TestStrangerDoesNotProlongALink(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(20*time.Minute, s.complete(nil, errStranger))
	diff(t, "state", s.run().State, statemachine.StateExpired)
	diff(t, "end", s.elapsed(), lifetime)
}

// security 27: nor can a stranger decide about a password. A result in clear is no verdict, nor is
// a sealed one of another run; the activity is repeated.
func TestStrangerDecides(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]answer{
		"payload in clear":       {result: inClear(flow.Verdict{Event: statemachine.ChangeRefused, Submission: "one"})},
		"empty payload":          {result: inClear(nil)},
		"nothing":                {},
		"typed error":            {err: errStranger},
		"cancellation":           {err: temporal.NewCanceledError()},
		"verdict of another run": {result: changed(flow.Change{Submission: submission("another")})},
		"unknown of another run": {result: unknown(flow.Change{Submission: submission("another")})},
		"verdict of another run about the same submission": {result: verdictOf("another run")},
		"verdict of no run":       {result: verdictOf("")},
		"delivery in its place":   {result: flow.Delivery{Withheld: flow.NoAccount}},
		"submission in its place": {result: flow.Submission{ID: "one"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.change = func(n int, c flow.Change) answer {
				if n <= 2 {
					return attack
				}
				return answer{result: changed(c)}
			}
			s.at(5*time.Minute, s.submit("one"))
			diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
			one := apply("one")
			diff(t, "changes", s.changes, []flow.Change{one, one, one})
			if s.elapsed() == 5*time.Minute {
				t.Error("the change is repeated without a pause")
			}
		})
	}
}

// verdictOf is the store's verdict on this submission in another run. A stranger who copies it has
// copied the submission too.
func verdictOf(run string) *flow.Verdict {
	return &flow.Verdict{Event: statemachine.PasswordChanged, Run: run, Submission: "one", Account: owner}
}

// security 27: a link mail with a foreign result is begun again: at once, then after pauses. After
// some results it has failed. A run that was reset with a pending mail goes on in this way,
// because its scheduled activities name another sender.
func TestForeignDeliveryIsNoLink(t *testing.T) {
	t.Parallel()
	foreign := map[string]answer{
		"of another run":   {result: flow.Delivery{Mail: "another run/1"}},
		"of another mail":  {result: flow.Delivery{Mail: sender + "/2"}},
		"of no mail":       {result: &flow.Delivery{}},
		"not sealed":       {result: inClear(flow.Delivery{Mail: sender + "/1"})},
		"a failure":        {err: errStranger},
		"another sender's": {err: temporal.NewNonRetryableApplicationError("the input is another run's", "foreign_input", nil)},
	}
	for name, a := range foreign {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.mail = func(n int, _ flow.Mail) answer {
				if n < 3 {
					return a
				}
				return answer{result: flow.Delivery{}}
			}
			diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 1})
			diff(t, "mails", s.times(), []time.Duration{0, 0, 10 * time.Second})
			diff(t, "the same mail", s.mails[2].Mail, s.mails[0].Mail)
			diff(t, "steps", s.transitions()[1], "link_sent awaiting_token")
		})
	}
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer { return foreign["a failure"] }
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 1, Withheld: flow.MailFailed})
	diff(t, "mails", s.times(), []time.Duration{0, 0, 10 * time.Second, 30 * time.Second})
}

// A mail is tried for a day, also with foreign results.
func TestLinkMailIsTriedForADay(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer { return answer{after: 13 * time.Hour, err: errStranger} }
	diff(t, "withheld", s.run().Withheld, flow.MailFailed)
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
	s.mail = func(n int, _ flow.Mail) answer {
		if n == 3 {
			return answer{after: time.Hour, result: flow.Delivery{}}
		}
		return answer{err: errStranger}
	}
	s.at(5*time.Second, s.submit("one"))
	diff(t, "state", s.run().State, statemachine.StateCompleted)
	diff(t, "end", s.elapsed(), 5*time.Second)
	diff(t, "mails", len(s.mails), 2)
}

// security 27: a signal without a seal, or sealed for another account, counts for nothing. It
// makes no mail and no cancel, and the run goes on.
func TestStrangerSignals(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]any{
		"in clear":           inClear(disowner),
		"other JSON":         inClear("anything"),
		"nothing":            nil,
		"of another account": flow.Caller{AccountKey: "fedcba9876543210fedcba9876543210", LinkRun: disowner.LinkRun},
		"no caller":          submission("one"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			for minute := range 20 {
				s.at(time.Duration(minute+5)*time.Minute, func() { s.SignalWorkflow(flow.RequestSignal, payload) })
				s.at(time.Duration(minute+5)*time.Minute, func() { s.SignalWorkflow(flow.DisownSignal, payload) })
			}
			diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 1})
			diff(t, "end", s.elapsed(), lifetime)
		})
	}
}

// The account key in the input makes the links and the audit entries. A sealed input can be copied
// to another ID, so the key must be that of the workflow ID.
func TestForeignInput(t *testing.T) {
	t.Parallel()
	for name, input := range map[string]any{
		"of another workflow ID": flow.Request{AccountKey: "fedcba9876543210fedcba9876543210"},
		"in clear":               inClear(flow.Request{AccountKey: accountKey}),
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

// A payload under a key that this worker lacks must not be taken for a stranger's. The workflow
// task fails, and the run waits for a worker that has the key.
func TestUnknownKeyWaits(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	newer, err := keysets().after.ToPayloads(submission("one"))
	s.check(err)
	s.at(5*time.Minute, s.complete(newer, nil))
	s.execute(s.in)
	wantPanic(t, s)
}
