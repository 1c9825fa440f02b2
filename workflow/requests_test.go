package workflow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// The signal of a signal-with-start is the start itself, and so are its repetitions
// until a worker comes.
func TestRequestsWithTheStartAreOne(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for range 3 {
		s.at(0, func() { s.SignalWorkflowSkippingWorkflowTask(flow.RequestSignal, again) })
	}
	s.in.MailPause = 0
	s.run()
	diff(t, "mails", s.times(), []time.Duration{0})
}

func TestCoolDown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		asked time.Duration
		mails []time.Duration
	}{
		"inside": {coolDown - time.Second, []time.Duration{0}},
		"after":  {coolDown, []time.Duration{0, coolDown}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.at(tc.asked, s.ask)
			s.run()
			diff(t, "mails", s.times(), tc.mails)
		})
	}
}

// The pause begins when the mail server has accepted the mail: a request before that gets the same
// mail.
func TestCoolDownBeginsWithTheAnswer(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer { return answer{after: 10 * time.Minute, result: flow.Delivery{}} }
	s.at(5*time.Minute, s.ask)
	s.at(10*time.Minute+coolDown-time.Second, s.ask)
	s.at(10*time.Minute+coolDown, s.ask)
	s.run()
	diff(t, "mails", s.times(), []time.Duration{0, 10*time.Minute + coolDown})
}

func TestThreeMailsAtMost(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for minute := range 20 {
		s.at(time.Duration(minute)*time.Minute, s.ask)
	}
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 3})
	diff(t, "mails", s.times(), []time.Duration{0, time.Minute, 2 * time.Minute})
	diff(t, "end", s.elapsed(), 2*time.Minute+lifetime)
}

// Another run answers a request after the last link of a run has ended, although this run is open
// for the grace after that. Before, the link is good, and operators see the request.
func TestAskedAfterTheLastLink(t *testing.T) {
	t.Parallel()
	lastMail := 10 * time.Minute
	three := func(t *testing.T) *story {
		t.Helper()
		s := newStory(t)
		s.at(5*time.Minute, s.ask)
		s.at(lastMail, s.ask)
		return s
	}
	s := three(t)
	s.at(lastMail+life, s.ask)
	next := s.next()
	diff(t, "previous", next.Previous, &flow.Outcome{State: statemachine.StateExpired, Mails: 3})
	diff(t, "client", next.Client, again.Client)
	diff(t, "end", s.elapsed(), lastMail+life)

	s = three(t)
	s.at(lastMail+life-time.Second, s.ask)
	s.at(lastMail+life-time.Second/2, func() {
		if !strings.Contains(s.details(), "**Requests without another mail:** 1") {
			t.Errorf("the details do not tell of the request:\n%s", s.details())
		}
	})
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 3})
	diff(t, "end", s.elapsed(), lastMail+lifetime)
}

// A worker may let its links live shorter than the run was asked to. The end of the mailed link
// counts then, also when a later mail was withheld.
func TestAskedAfterTheLastLinkOfAWorker(t *testing.T) {
	t.Parallel()
	const lastMail, short = 10 * time.Minute, 8 * time.Minute
	for name, tc := range map[string]struct {
		last   flow.Delivery
		linkBy time.Duration // when the last good link ends
	}{
		"mailed":   {flow.Delivery{Expires: started.Add(lastMail + short)}, lastMail + short},
		"withheld": {flow.Delivery{Withheld: flow.MailLimit}, 5*time.Minute + short},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			three := func() *story {
				s := newStory(t)
				s.mail = func(n int, _ flow.Mail) answer {
					if n == flow.MaxMails {
						return answer{result: tc.last}
					}
					return answer{result: flow.Delivery{Expires: started.Add(time.Duration(n-1)*5*time.Minute + short)}}
				}
				s.at(5*time.Minute, s.ask)
				s.at(lastMail, s.ask)
				return s
			}
			s := three()
			s.at(tc.linkBy, s.ask)
			diff(t, "client", s.next().Client, again.Client)
			diff(t, "end", s.elapsed(), tc.linkBy)

			s = three()
			s.at(tc.linkBy-time.Second, s.ask)
			s.run()
			diff(t, "end", s.elapsed(), lastMail+lifetime)
		})
	}
}

// A full bucket, or an account disabled for a while, keeps the owner from a mail no longer than it
// lasts and ten minutes. When all mails of a run were withheld, another run answers the next
// request after that pause.
func TestAskedWhenNoLinkWasMailed(t *testing.T) {
	t.Parallel()
	three := func() *story {
		s := newStory(t)
		s.mail = func(int, flow.Mail) answer {
			return answer{result: flow.Delivery{Withheld: flow.MailLimit}}
		}
		s.in.MailPause = time.Minute
		s.at(time.Minute, s.ask)
		s.at(2*time.Minute, s.ask)
		return s
	}
	const pause = 10 * time.Minute
	s := three()
	s.at(2*time.Minute+pause, s.ask)
	next := s.next()
	diff(t, "client", next.Client, again.Client)
	diff(t, "end", s.elapsed(), 2*time.Minute+pause)

	s = three()
	s.at(2*time.Minute+pause-time.Second, s.ask)
	s.run()
	diff(t, "passed over", s.counted.total["rekey_requests_passed_over last_mail_withheld"], int64(1))
	diff(t, "end", s.elapsed(), 2*time.Minute+lifetime)
}

// The details distinguish a request that the last link answers from one without an answer.
func TestWhyARequestWasPassedOver(t *testing.T) {
	t.Parallel()
	for want, last := range map[string]flow.Delivery{
		"last_link_out":      {},
		"last_mail_withheld": {Withheld: flow.MailLimit},
	} {
		s := newStory(t)
		s.mail = func(n int, _ flow.Mail) answer {
			if n == flow.MaxMails {
				return answer{result: last}
			}
			return answer{result: flow.Delivery{}}
		}
		for _, at := range []time.Duration{5, 10, 15} {
			s.at(at*time.Minute, s.ask)
		}
		s.run()
		diff(t, want, s.counted.total["rekey_requests_passed_over "+want], int64(1))
	}
}

func TestManyClicksAreOneRequest(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.in.MailPause = 0
	s.at(5*time.Minute, func() {
		for range 3 {
			s.SignalWorkflowSkippingWorkflowTask(flow.RequestSignal, again)
		}
		s.ask()
	})
	s.run()
	diff(t, "mails", s.times(), []time.Duration{0, 5 * time.Minute})
}

// security 43: the audit log names the caller of each mail.
func TestWhoAskedForEachMail(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(5*time.Minute, s.ask)
	s.run()
	diff(t, "clients", []string{s.mails[0].Client, s.mails[1].Client}, []string{"192.0.2.7", "192.0.2.8"})
}

// security 42: the audit log names an operator who requests a link, but not for a later request.
func TestOperatorAsks(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.in.Client, s.in.Operator = "", "b.jones"
	s.at(5*time.Minute, func() { s.SignalWorkflow(flow.RequestSignal, operator) })
	s.at(10*time.Minute, s.ask)
	s.run()
	var who [][2]string
	for _, m := range s.mails {
		who = append(who, [2]string{m.Client, m.Operator})
	}
	diff(t, "client and operator", who, [][2]string{{"", "b.jones"}, {"", "a.smith"}, {again.Client, ""}})
}

// A request may come from a client whose address is not known.
func TestNobodyKnowsWhoAskedAgain(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(5*time.Minute, func() { s.SignalWorkflow(flow.RequestSignal, flow.Caller{AccountKey: accountKey}) })
	s.run()
	diff(t, "clients", []string{s.mails[0].Client, s.mails[1].Client}, []string{"192.0.2.7", ""})
}
