package workflow_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

var (
	backup   = []string{"ada.backup@example.com"}
	changeAt = started.Add(time.Hour) // as changed says
)

// partly is a notice that has reached the account's own address and not its backup.
func partly(_ int, m flow.Mail) answer {
	if len(m.To) == 0 {
		return answer{result: flow.Delivery{Notice: m.Run, Left: backup}}
	}
	return answer{after: 10 * time.Hour, result: flow.Delivery{Notice: m.Run}}
}

// A notice that has reached one address leaves the run open, for the others.
func TestNoticeIsOwedToEveryAddress(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.notice = partly
	s.at(5*time.Minute, s.submit("one"))
	s.at(time.Hour, func() {
		diff(t, "steps", s.transitions()[3:], []string{"password_changed password_changed", "notice_sent completed"})
	})
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
	diff(t, "notices", s.notices, []flow.Mail{
		{Run: sender, Sender: sender, Account: owner, Changed: changeAt, Submission: "one", Waits: true},
		{Run: sender, Sender: sender, Account: owner, Changed: changeAt, To: backup, Until: started.Add(24*time.Hour + 5*time.Minute), Submission: "one"},
	})
	diff(t, "end", s.elapsed(), 10*time.Hour+5*time.Minute)
	diff(t, "values", s.upserts, []string{"completed"})
}

// The reader of a notice may request another reset at once. An address that takes no mail now does
// not stand in the way: the next run goes on with the notice.
func TestOwedNoticeKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.notice = partly
	s.at(5*time.Minute, s.submit("one"))
	s.at(6*time.Minute, s.ask)
	next := s.next()
	diff(t, "end", s.elapsed(), 6*time.Minute)
	diff(t, "owed", next.Owed, []flow.Mail{
		{Run: sender, Account: owner, Changed: changeAt, To: backup, Until: started.Add(24*time.Hour + 5*time.Minute), Submission: "one"},
	})

	s = newStory(t)
	s.in = next
	s.notice = partly
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 1})
	diff(t, "addresses", s.notices[0].To, backup)
	diff(t, "end", s.elapsed(), 10*time.Hour)
}

// A run takes over the pending notices of the one before, and hands on its own.
func TestOwedNoticesAddUp(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.in.Owed = []flow.Mail{{Account: "account-6", To: backup, Until: started.Add(time.Hour)}}
	s.notice = partly
	s.at(5*time.Minute, s.submit("one"))
	s.at(6*time.Minute, s.ask)
	var accounts []string
	for _, m := range s.next().Owed {
		accounts = append(accounts, m.Account)
	}
	diff(t, "accounts", accounts, []string{"account-6", owner})
}

// A notice is tried for a day and no longer.
func TestOwedNoticeEnds(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.in.Owed = []flow.Mail{{Account: owner, To: backup, Until: started}}
	s.run()
	diff(t, "notices", len(s.notices), 0)
	diff(t, "given up", len(s.given), 1)
	diff(t, "end", s.elapsed(), lifetime)
}

// security 18: every client of Temporal can complete the notice. It is sent again, later each
// time, for a day.
func TestForeignDeliveryIsNoNotice(t *testing.T) {
	t.Parallel()
	foreign := map[string]answer{
		"of another run": {result: flow.Delivery{Notice: "another"}},
		"a failure":      {err: errors.New("no")},
		"not sealed":     {result: inClear(flow.Delivery{})},
	}
	for name, a := range foreign {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStory(t)
			s.notice = func(n int, m flow.Mail) answer {
				if n < 3 {
					return a
				}
				return answer{result: flow.Delivery{Notice: m.Run}}
			}
			s.at(5*time.Minute, s.submit("one"))
			s.run()
			diff(t, "last step", s.transitions()[4], "notice_sent completed")
			diff(t, "notices", len(s.notices), 3)
			diff(t, "end", s.elapsed(), 5*time.Minute+30*time.Second)
		})
	}
	s := newStory(t)
	s.notice = func(int, flow.Mail) answer { return foreign["a failure"] }
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	diff(t, "last step", s.transitions()[4], "notice_failed completed")
	if n := len(s.notices); n < 100 || n > 200 {
		t.Errorf("%d notices in a day", n)
	}
}
