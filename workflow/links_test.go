package workflow_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

func TestFirstLinkUsed(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(5*time.Minute, s.submit("one"))
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
	diff(t, "transitions", s.transitions(), []string{
		"requested requested",
		"link_sent awaiting_token",
		"token_submitted token_submitted",
		"password_changed password_changed",
		"notice_sent completed",
	})
	diff(t, "mails", s.mails, []mailed{{flow.Mail{
		Number: 1, Run: sender, Sender: sender, Life: life, Address: "ada@example.com", Client: "192.0.2.7",
		Waits: true,
	}, 0}})
	diff(t, "changes", s.changes, []flow.Change{apply("one")})
	diff(t, "notices", s.notices, []flow.Mail{{Run: sender, Sender: sender, Account: owner, Changed: started.Add(time.Hour), Submission: "one", Waits: true}})
}

// The links of a run share one wait, so the second is used like the first.
func TestSecondLinkUsed(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(10*time.Minute, s.ask)
	s.at(40*time.Minute, s.submit("two")) // after the first one's end
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "two", Mails: 2})
	diff(t, "waits", s.waits, 1)
	diff(t, "times", s.times(), []time.Duration{0, 10 * time.Minute})
	diff(t, "ID of the wait", s.wait.ActivityID, flow.AwaitTokenSubmission)
}

// A mail can arrive although the mail server's answer does not. Its link counts.
func TestUsedBeforeTheMailIsAnswered(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer { return answer{after: time.Hour, result: flow.Delivery{}} }
	s.at(5*time.Minute, s.submit("one"))
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
	diff(t, "first step", s.transitions()[1], "token_submitted token_submitted")
	diff(t, "end", s.elapsed(), 5*time.Minute)
}

// A link in progress when the password has changed would be dead on arrival.
func TestChangeStopsTheMailInFlight(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(n int, _ flow.Mail) answer {
		return answer{after: time.Duration(n-1) * time.Hour, result: flow.Delivery{}}
	}
	s.at(10*time.Minute, s.ask)
	s.at(15*time.Minute, s.submit("one"))
	s.run()
	diff(t, "stopped", s.stopped, []string{flow.SendEmail})
	diff(t, "end", s.elapsed(), 15*time.Minute)
}

// Only the change of the password stops the mail. After a submission without a link, the owner's
// link still arrives and works.
func TestNobodysSubmissionStopsNoMail(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer { return answer{after: time.Hour, result: flow.Delivery{}} }
	s.change = func(n int, c flow.Change) answer {
		if n == 1 {
			return answer{result: unknown(c)}
		}
		return answer{result: changed(c)}
	}
	s.at(10*time.Minute, s.submit("nobody's"))
	s.at(70*time.Minute, s.submit("one"))
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
	diff(t, "transitions", s.transitions()[1:5], []string{
		"token_submitted token_submitted",
		"token_unknown awaiting_token",
		"link_sent awaiting_token",
		"token_submitted token_submitted",
	})
	if slices.Contains(s.stopped, flow.SendEmail) {
		t.Error("the mail was stopped")
	}
}

// times is when the link mails were begun.
func (s *story) times() []time.Duration {
	var all []time.Duration
	for _, m := range s.mails {
		all = append(all, m.At)
	}
	return all
}

func unknown(c flow.Change) flow.Verdict {
	return flow.Verdict{Event: statemachine.TokenUnknown, Submission: c.Submission.ID}
}
