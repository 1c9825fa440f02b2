package workflow_test

import (
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// A link that no mail server accepts for two minutes is shown to operators, until it has gone out.
// The same mail is begun again, after the pause that the attempt asks for.
func TestLinkThatIsKeptWaiting(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	const took, pause = 2 * time.Minute, 15 * time.Minute
	s.mail = func(n int, m flow.Mail) answer {
		if n == 1 {
			return answer{after: took, result: flow.Delivery{Waits: flow.WaitingForMail, Of: m.LinkMail().Name(), Pause: pause}}
		}
		diff(t, "when", s.mails[1].At, took+pause)
		return answer{result: flow.Delivery{}}
	}
	s.run()
	diff(t, "RekeyState", s.upserts, []string{"waiting_for_mail", "requested", "expired"})
	diff(t, "mails", []int{s.mails[0].Number, s.mails[1].Number}, []int{1, 1})
	diff(t, "asked to be told", []bool{s.mails[0].Waits, s.mails[1].Waits}, []bool{true, false})
}

// A report about another mail, or without the run's request, shows nothing.
func TestWaitingCountsForItsMail(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(n int, m flow.Mail) answer {
		switch n {
		case 1:
			return answer{result: flow.Delivery{Waits: flow.WaitingForStore, Of: "another/1"}}
		case 2:
			return answer{result: flow.Delivery{Waits: flow.WaitingForMail, Of: m.LinkMail().Name()}}
		case 3: // the run has no such mail any more
			return answer{result: flow.Delivery{Waits: flow.WaitingForStore, Of: m.LinkMail().Name()}}
		}
		return answer{result: flow.Delivery{}}
	}
	s.run()
	diff(t, "RekeyState", s.upserts, []string{"waiting_for_mail", "requested", "expired"})
}

// A change and a notice that are kept waiting are shown too. The end shows the final state.
func TestChangeAndNoticeThatAreKeptWaiting(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.change = func(n int, c flow.Change) answer {
		if n == 1 {
			return answer{after: 2 * time.Minute, result: flow.Verdict{Run: c.Run, Waits: flow.WaitingForStore}}
		}
		return answer{result: changed(c)}
	}
	s.notice = func(n int, m flow.Mail) answer {
		if n == 1 {
			return answer{after: 2 * time.Minute, result: flow.Delivery{Waits: flow.WaitingForMail, Of: m.Run}}
		}
		return answer{result: flow.Delivery{Notice: m.Run}}
	}
	s.at(time.Minute, s.submit("a"))
	s.run()
	diff(t, "RekeyState", s.upserts, []string{"waiting_for_store", "requested", "waiting_for_mail", string(statemachine.StateCompleted)})
	diff(t, "changes and notices", []int{len(s.changes), len(s.notices)}, []int{2, 2})
}
