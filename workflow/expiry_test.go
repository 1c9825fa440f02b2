package workflow_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// security 6: a link lives for its life, and a minute is added for clocks that differ.
func TestExpiry(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		used  time.Duration
		state statemachine.State
		ended time.Duration
	}{
		"just in time": {lifetime - time.Second, statemachine.StateCompleted, lifetime - time.Second},
		"too late":     {lifetime + time.Second, statemachine.StateExpired, lifetime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.at(tc.used, s.submit("one"))
			diff(t, "state", s.run().State, tc.state)
			diff(t, "end", s.elapsed(), tc.ended)
		})
	}
}

// Each mail that is accepted gives its link a whole life.
func TestExpiryStartsAgainWithEachMail(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer { return answer{after: time.Minute, result: flow.Delivery{}} }
	s.at(20*time.Minute, s.ask)
	s.at(40*time.Minute, s.ask)
	s.run()
	diff(t, "mails", s.times(), []time.Duration{0, 20 * time.Minute, 40 * time.Minute})
	diff(t, "end", s.elapsed(), 41*time.Minute+lifetime)
}

// A slow mail server must not make a run expire before its link arrives.
func TestNoExpiryWhileAMailIsInFlight(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(n int, _ flow.Mail) answer {
		return answer{after: time.Duration(n-1) * 5 * time.Hour, result: flow.Delivery{}}
	}
	s.at(20*time.Minute, s.ask)
	s.at(5*time.Hour+20*time.Minute+life, s.submit("two"))
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "two", Mails: 2})
}

// security 2: a run that mails nothing takes the same way and the same time.
func TestWithheldLooksLikeSent(t *testing.T) {
	t.Parallel()
	tell := func(d flow.Delivery) *story {
		s := newStory(t)
		s.mail = func(int, flow.Mail) answer { return answer{after: time.Second, result: d} }
		s.at(10*time.Minute, s.ask)
		diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 2, Withheld: d.Withheld})
		return s
	}
	sent, withheld := tell(flow.Delivery{}), tell(flow.Delivery{Withheld: flow.NoAccount})
	way := withheld.transitions()
	for i := range way {
		way[i] = strings.Replace(way[i], "link_withheld", "link_sent", 1)
	}
	diff(t, "way", way, sent.transitions())
	diff(t, "mails", withheld.times(), sent.times())
	diff(t, "end", withheld.elapsed(), sent.elapsed())
}

func TestMailFailsForADay(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer {
		return answer{after: 24 * time.Hour, err: errors.New("mail server away")}
	}
	diff(t, "outcome", s.run(), flow.Outcome{
		State: statemachine.StateExpired, Mails: 1, Withheld: flow.MailFailed,
	})
	diff(t, "end", s.elapsed(), 24*time.Hour+lifetime)
	if !slices.Contains(s.transitions(), "link_withheld awaiting_token") {
		t.Error("the mail was not withheld")
	}
}

// Expiry is the machine's own: the timeout of the wait is behind the longest run.
func TestWaitOutlivesTheLongestRun(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer { return answer{after: 24 * time.Hour, result: flow.Delivery{}} }
	s.at(24*time.Hour+lifetime-time.Second, s.ask)
	s.at(2*(24*time.Hour+lifetime)-2*time.Second, s.ask)
	s.run()
	if net := s.wait.ScheduleToCloseTimeout; s.waits != 1 || len(s.mails) != 3 || s.elapsed() >= net {
		t.Errorf("%d wait ends after %v, the run with %d mails after %v", s.waits, net, len(s.mails), s.elapsed())
	}
	if s.wait.StartToCloseTimeout != 0 && s.wait.StartToCloseTimeout != s.wait.ScheduleToCloseTimeout || s.wait.HeartbeatTimeout != 0 {
		t.Errorf("the wait has another timeout: %+v", s.wait)
	}
}
