package workflow_test

import (
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

// askedIn is a further request from a browser of a language.
func askedIn(locale string, at time.Time) flow.Caller {
	return flow.Caller{AccountKey: accountKey, Client: again.Client, Locale: locale, Asked: at}
}

// Each mail has the language and the time of its request. A caller without a language, such as an
// operator, leaves that of before; one without a time has none. The change has the newest language.
func TestMailsAreInTheLanguageOfTheCaller(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	first, second := started.Truncate(time.Minute), started.Add(5*time.Minute).Truncate(time.Minute)
	s.in.Locale, s.in.Asked = "de", first
	s.at(5*time.Minute, func() { s.SignalWorkflow(flow.RequestSignal, askedIn("fr", second)) })
	s.at(10*time.Minute, func() { s.SignalWorkflow(flow.RequestSignal, operator) })
	s.at(15*time.Minute, s.submit("one"))
	s.run()
	type says struct {
		Locale string
		Asked  time.Time
	}
	var mails []says
	for _, m := range s.mails {
		mails = append(mails, says{m.Locale, m.Asked})
	}
	diff(t, "mails", mails, []says{{"de", first}, {"fr", second}, {"fr", time.Time{}}})
	diff(t, "language of the change", s.changes[0].Locale, "fr")
}

// A mail that is begun again says the same.
func TestMailBegunAgainSaysTheSame(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.in.Locale, s.in.Asked = "de", started
	s.mail = func(n int, _ flow.Mail) answer {
		if n == 1 {
			return answer{result: &flow.Delivery{Mail: "another"}}
		}
		return answer{result: flow.Delivery{}}
	}
	s.run()
	for n, m := range s.mails {
		if m.Locale != "de" || !m.Asked.Equal(started) {
			t.Errorf("mail %d: %q at %v", n, m.Locale, m.Asked)
		}
	}
	diff(t, "mails", len(s.mails), 2)
}

func TestReminderIsInTheLanguageOfTheRequest(t *testing.T) {
	t.Parallel()
	s := newStoryOf(t, workflow.Invite)
	s.in.Locale, s.in.LinkLife = "pl", 72*time.Hour
	s.run()
	diff(t, "mails", len(s.mails), 2)
	diff(t, "language of the reminder", s.mails[1].Locale, "pl")
}

// The run that answers a late request has the language and the time of that request, or the language
// of before.
func TestContinuedRunIsInTheLanguageOfTheCaller(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{"fr": "fr", "": "de"} {
		t.Run("asked in "+locale, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.in.Locale, s.in.Asked = "de", started
			at := started.Add(5 * time.Minute)
			s.at(5*time.Minute, func() {
				s.SignalWorkflowSkippingWorkflowTask(flow.RequestSignal, askedIn(locale, at))
				s.CancelWorkflow()
			})
			next := s.next()
			diff(t, "language", next.Locale, want)
			diff(t, "time", next.Asked, at)
		})
	}
}
