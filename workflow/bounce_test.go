package workflow_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// bounce reports what became of a mail.
func (s *story) bounce(kind flow.BounceKind) func() {
	return func() {
		s.SignalWorkflow(flow.BounceSignal, flow.Bounce{AccountKey: accountKey, Run: sender, Kind: kind})
	}
}

func noted(kind flow.BounceKind, age time.Duration) flow.Bounced {
	return flow.Bounced{Run: sender, Sender: sender, Address: "ada@example.com", Kind: kind, At: started.Add(age)}
}

// A bounce is recorded and shown, and changes nothing else: the link in another mailbox may work.
func TestBounce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(time.Minute, s.bounce(flow.MailBounced))
	s.at(2*time.Minute, s.bounce(flow.MailComplaint))
	s.at(3*time.Minute, s.bounce(flow.MailComplaint))
	s.at(5*time.Minute, s.submit("one"))
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
	diff(t, "noted", s.bounces, []flow.Bounced{
		noted(flow.MailBounced, time.Minute), noted(flow.MailComplaint, 2*time.Minute), noted(flow.MailComplaint, 3*time.Minute),
	})
	diff(t, "end", s.elapsed(), 5*time.Minute)
	details := s.details()
	for _, line := range []string{"\n\n**Mails that bounced:** 1\n", "\n\n**Complaints about mails:** 2\n"} {
		if !strings.Contains(details, line) {
			t.Errorf("details lack %q: %s", line, details)
		}
	}
}

// security 27: a bounce of another account, or of an unknown kind, is ignored. A copied signal records
// three of a kind at most.
func TestForeignBounces(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(time.Minute, func() {
		s.SignalWorkflow(flow.BounceSignal, flow.Bounce{AccountKey: "another", Run: sender, Kind: flow.MailComplaint})
		s.SignalWorkflow(flow.BounceSignal, flow.Bounce{AccountKey: accountKey, Run: sender, Kind: "rumor"})
		s.SignalWorkflow(flow.BounceSignal, inClear(flow.Bounce{AccountKey: accountKey, Run: sender, Kind: flow.MailComplaint}))
	})
	for n := range 5 {
		s.at(2*time.Minute+time.Duration(n)*time.Second, s.bounce(flow.MailBounced))
	}
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	diff(t, "noted", len(s.bounces), flow.MaxMails)
	if !strings.Contains(s.details(), "**Mails that bounced:** 5\n") || strings.Contains(s.details(), "Complaints") {
		t.Errorf("details: %s", s.details())
	}
}

// The run stays open until a bounce is recorded, also one that comes with its end, and also when
// another request follows.
func TestBounceIsRecordedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]func(*story){"": func(*story) {}, "with a late request": func(s *story) { s.at(6*time.Minute, s.ask) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.noteBounce = func(int) answer { return answer{after: time.Hour} }
			s.change = func(_ int, c flow.Change) answer { return answer{after: 30 * time.Second, result: changed(c)} }
			s.at(5*time.Minute, s.submit("one"))
			s.at(5*time.Minute+time.Second, s.bounce(flow.MailComplaint)) // while the change is applied
			more(s)
			s.execute(s.in)
			diff(t, "noted", s.bounces, []flow.Bounced{noted(flow.MailComplaint, 5*time.Minute+30*time.Second)})
			diff(t, "end", s.elapsed(), time.Hour+5*time.Minute+30*time.Second)
		})
	}
}

// A store that is away for a day keeps no run open for ever.
func TestBounceThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.noteBounce = func(int) answer { return answer{err: errors.New("no")} }
	s.at(time.Minute, s.bounce(flow.MailComplaint))
	s.at(5*time.Minute, s.submit("one"))
	diff(t, "state", s.run().State, statemachine.StateCompleted)
	diff(t, "times", len(s.bounces), 1)
}

// A run whose worker of an earlier build ignored the signal goes on without an activity.
func TestBounceUnderAnEarlierBuild(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.OnGetVersion("bounces-are-noted", sdk.DefaultVersion, sdk.Version(1)).Return(sdk.DefaultVersion)
	s.at(time.Minute, s.bounce(flow.MailComplaint))
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	diff(t, "noted", len(s.bounces), 0)
}
