package workflow_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

func TestChangeRefused(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.change = func(_ int, c flow.Change) answer {
		return answer{result: flow.Verdict{
			Event: statemachine.ChangeRefused, Submission: c.Submission.ID, Reason: "the account is gone",
		}}
	}
	s.at(5*time.Minute, s.submit("one"))
	diff(t, "outcome", s.run(), flow.Outcome{
		State: statemachine.StateRefused, Accepted: "one", Mails: 1, Refused: "the account is gone",
	})
	diff(t, "notices", len(s.notices), 0)
}

// The password is changed even when no notice arrives.
func TestNoticeFailed(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"not known to the store": {result: flow.Delivery{Withheld: flow.NoChange}},
		"failing for a day":      {after: 24 * time.Hour, err: errors.New("mail server away")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.notice = func(int, flow.Mail) answer { return a }
			s.at(5*time.Minute, s.submit("one"))
			diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
			diff(t, "last step", s.transitions()[4], "notice_failed completed")
			diff(t, "given up", s.given, []flow.Mail{{Run: sender, Sender: sender, Account: owner, Changed: started.Add(time.Hour), Submission: "one"}})
			if !strings.Contains(s.details(), "no address was notified") {
				t.Errorf("details:\n%s", s.details())
			}
		})
	}
}

// An event that the table forbids is a bug. The panic fails the workflow task and leaves the run
// open for a fixed worker. An error would end the run, and lose an accepted submission.
func TestForbiddenEventPanics(t *testing.T) {
	t.Parallel()
	for _, event := range []statemachine.Event{statemachine.Expire, ""} {
		s := newStory(t)
		s.change = func(_ int, c flow.Change) answer {
			return answer{result: flow.Verdict{Event: event, Submission: c.Submission.ID}}
		}
		s.at(5*time.Minute, s.submit("one"))
		s.execute(s.in)
		wantPanic(t, s)
		diff(t, "last step", s.transitions()[2:], []string{"token_submitted token_submitted"})
	}
}

// wantPanic wants a failed workflow task. The environment has no other way to show one
// than to end the run with the panic.
func wantPanic(t *testing.T, s *story) {
	t.Helper()
	var p *temporal.PanicError
	if err := s.GetWorkflowError(); !errors.As(err, &p) {
		t.Errorf("the workflow task did not fail: %v", err)
	}
}
