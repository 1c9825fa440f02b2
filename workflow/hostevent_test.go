package workflow_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// telling is a story whose workers tell the application events.
func telling(t *testing.T) *story {
	t.Helper()
	s := newStory(t)
	s.mail = func(int, flow.Mail) answer {
		return answer{result: flow.Delivery{Tells: true, Account: owner}}
	}
	s.change = func(_ int, c flow.Change) answer {
		v := changed(c)
		v.Tells = true
		return answer{result: v}
	}
	s.giveUp = func(_ int, m flow.Mail) answer {
		return answer{result: flow.Delivery{Notice: m.Run, Tells: true}}
	}
	return s
}

// event is one of a story, which began at this age of the run.
func event(what flow.HostEventType, age time.Duration, at time.Time, submission string) flow.HostEvent {
	return flow.HostEvent{
		Type: what, Run: sender, Sender: sender, Submission: submission, Account: owner, At: at, Until: started.Add(age + 24*time.Hour),
	}
}

// heard are the events that the application was sent, by their ends and types: those of one moment
// have no order.
func (s *story) heard() []flow.HostEvent {
	slices.SortStableFunc(s.told, func(a, b flow.HostEvent) int {
		return cmp.Or(a.Until.Compare(b.Until), cmp.Compare(a.Type, b.Type))
	})
	return s.told
}

// The application is told of the request once, and of the change beside the notice.
func TestChangeIsToldToTheApplication(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.at(2*time.Minute, s.ask)
	s.at(5*time.Minute, s.submit("one"))
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 2})
	diff(t, "told", s.heard(), []flow.HostEvent{
		event("reset.requested", 0, started, ""),
		event(flow.HostPasswordChanged, 5*time.Minute, changeAt, "one"),
	})
	diff(t, "notices", len(s.notices), 1)
	diff(t, "end", s.elapsed(), 5*time.Minute)
}

// A link may be used before the run hears of its mail. The verdict says then what the mail would have.
func TestRequestIsToldWithTheChange(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.mail = func(int, flow.Mail) answer {
		return answer{after: time.Hour, result: flow.Delivery{Tells: true, Account: owner}}
	}
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	diff(t, "told", s.heard(), []flow.HostEvent{
		event(flow.HostPasswordChanged, 5*time.Minute, changeAt, "one"),
		event("reset.requested", 5*time.Minute, started, ""),
	})
}

// A run that a build without events led on tells nothing: its history has none.
func TestRunOfAnEarlierBuildTellsNothing(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.OnGetVersion("host-is-told", sdk.DefaultVersion, sdk.Version(1)).Return(sdk.DefaultVersion)
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	diff(t, "told", len(s.told), 0)
	tells := applied
	tells.Tells = true
	s = finishStory(t, tells)
	s.OnGetVersion("host-is-told", sdk.DefaultVersion, sdk.Version(1)).Return(sdk.DefaultVersion)
	_, err := s.finish(endedRun)
	s.check(err)
	diff(t, "told of a run that ended from outside", len(s.told), 0)
}

// Where no worker tells events, a run begins no activity and reads no version: it costs what it did.
func TestNothingIsToldWithoutTheSetting(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.notice = func(int, flow.Mail) answer { return answer{result: flow.Delivery{Withheld: flow.NoChange}} }
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	diff(t, "told", len(s.told), 0)
	var works []string
	for _, w := range s.works {
		works = append(works, w.ActivityType.Name)
	}
	diff(t, "activities", works, []string{flow.SendEmail, flow.ChangePassword, flow.SendEmail, flow.GiveUpNotice})
}

func TestCancelIsToldToTheApplication(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.at(5*time.Minute, s.disown)
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCanceled, Mails: 1})
	diff(t, "told", s.heard(), []flow.HostEvent{
		event("reset.requested", 0, started, ""),
		event("reset.canceled", 5*time.Minute, started.Add(5*time.Minute), ""),
	})
}

func TestRefusalIsToldToTheApplication(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.change = func(_ int, c flow.Change) answer {
		return answer{result: flow.Verdict{Event: statemachine.ChangeRefused, Submission: c.Submission.ID, Reason: "the account is gone", Tells: true}}
	}
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	diff(t, "told", s.heard(), []flow.HostEvent{
		event("reset.requested", 0, started, ""),
		event("reset.refused", 5*time.Minute, started.Add(5*time.Minute), "one"),
	})
}

// The application is told of a notice that reached nobody, also of one of an earlier reset.
func TestFailedNoticeIsToldToTheApplication(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.in.Owed = []flow.Mail{{Run: firstRun, Account: "account-6", Submission: "zero", To: backup, Until: started}}
	s.notice = func(int, flow.Mail) answer { return answer{result: flow.Delivery{Withheld: flow.NoChange}} }
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	before := event(flow.HostNoticeFailed, 0, started, "zero")
	before.Run, before.Account = firstRun, "account-6"
	diff(t, "told", s.heard(), []flow.HostEvent{
		before,
		event("reset.requested", 0, started, ""),
		event(flow.HostNoticeFailed, 5*time.Minute, started.Add(5*time.Minute), "one"),
		event(flow.HostPasswordChanged, 5*time.Minute, changeAt, "one"),
	})
}

// An application that answers late delays neither the outcome nor the notice. The run waits for it.
func TestSlowApplicationDelaysNobody(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.tell = func(_ int, e flow.HostEvent) answer {
		return answer{after: 10 * time.Hour, result: flow.Told{Of: e.Name()}}
	}
	s.at(5*time.Minute, s.submit("one"))
	s.at(6*time.Minute, func() {
		diff(t, "last step", s.transitions()[4], "notice_sent completed")
		diff(t, "values", s.upserts, []string{"completed"})
	})
	s.run()
	diff(t, "end", s.elapsed(), 10*time.Hour+5*time.Minute)
}

// The next run goes on with an event that the application does not take, at once.
func TestUntoldEventKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.tell = func(_ int, e flow.HostEvent) answer {
		return answer{after: 10 * time.Hour, result: flow.Told{Of: e.Name()}}
	}
	s.at(5*time.Minute, s.submit("one"))
	s.at(6*time.Minute, s.ask)
	next := s.next()
	diff(t, "end", s.elapsed(), 6*time.Minute)
	pending := []flow.HostEvent{
		event("reset.requested", 0, started, ""), event(flow.HostPasswordChanged, 5*time.Minute, changeAt, "one"),
	}
	for i := range pending {
		pending[i].Sender = ""
	}
	diff(t, "handed on", next.Events, pending)

	s = newStory(t) // at a worker without the setting, too
	s.in = next
	s.run()
	diff(t, "told", s.heard(), []flow.HostEvent{
		event("reset.requested", 0, started, ""), event(flow.HostPasswordChanged, 5*time.Minute, changeAt, "one"),
	})
}

// security 47: every client of Temporal can complete an activity. The event is sent again then.
func TestForeignResultTellsNobody(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"of another event": {result: flow.Told{Of: sender + "/reset.requested/"}},
		"a failure":        {err: errors.New("no")},
		"not sealed":       {result: inClear(flow.Told{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := telling(t)
			tries := 0
			s.tell = func(_ int, e flow.HostEvent) answer {
				if e.Type == flow.HostPasswordChanged {
					if tries++; tries < 3 {
						return a
					}
				}
				return answer{result: flow.Told{Of: e.Name()}}
			}
			s.at(5*time.Minute, s.submit("one"))
			s.run()
			diff(t, "tries", tries, 3)
			diff(t, "given up", givenUp(s.told), []flow.HostEventType(nil))
			diff(t, "end", s.elapsed(), 5*time.Minute+30*time.Second)
		})
	}
}

func givenUp(all []flow.HostEvent) (types []flow.HostEventType) {
	for _, e := range all {
		if e.GivenUp {
			types = append(types, e.Type)
		}
	}
	return types
}

// An event is tried for a day, and then recorded as not told.
func TestEventIsGivenUp(t *testing.T) {
	t.Parallel()
	s := telling(t)
	s.tell = func(_ int, e flow.HostEvent) answer {
		if e.Type == "reset.requested" || e.GivenUp {
			return answer{result: flow.Told{Of: e.Name()}}
		}
		return answer{failed: errors.New("the application is away")}
	}
	s.at(5*time.Minute, s.submit("one"))
	s.run()
	diff(t, "given up", givenUp(s.told), []flow.HostEventType{flow.HostPasswordChanged})
	diff(t, "end", s.elapsed(), 24*time.Hour+5*time.Minute)
	if n := len(s.told); n < 250 || n > 700 { // the environment begins an activity again after ten attempts
		t.Errorf("%d attempts in a day", n)
	}
}

// A run that ended from outside tells of its change too, under the same name.
func TestFinishTellsTheApplication(t *testing.T) {
	t.Parallel()
	tells := applied
	tells.Tells = true
	s := finishStory(t, tells)
	s.notice = func(int, flow.Mail) answer { return answer{failed: errors.New("mail server away")} }
	s.giveUp = telling(t).giveUp
	_, err := s.finish(endedRun)
	s.check(err)
	change, failed := event(flow.HostPasswordChanged, 0, applied.Changed, "one"), event(flow.HostNoticeFailed, 24*time.Hour, started.Add(24*time.Hour), "one")
	change.Run, failed.Run = firstRun, firstRun
	diff(t, "told", s.heard(), []flow.HostEvent{change, failed})

	s = finishStory(t, flow.Ended{Of: endedRun, Tells: true})
	_, err = s.finish(endedRun)
	s.check(err)
	diff(t, "told of no change", len(s.told), 0)
	s = finishStory(t, applied)
	_, err = s.finish(endedRun)
	s.check(err)
	diff(t, "told without the setting", len(s.told), 0)
}

// The names that an application reads never change.
func TestNamesOfHostEventsAreFrozen(t *testing.T) {
	t.Parallel()
	want := map[string][]flow.HostEventType{
		"reset":        {"password.changed", "reset.requested", "reset.canceled", "reset.refused", "notice.failed"},
		"invitation":   {"password.set", "invitation.requested", "invitation.canceled", "invitation.refused", "notice.failed", "invitation.expired"},
		"forced-reset": {"password.changed", "forced-reset.requested", "forced-reset.canceled", "forced-reset.refused", "notice.failed", "forced-reset.expired"},
	}
	for _, d := range workflow.Flows() {
		diff(t, d.Kind, d.HostEventTypes(), want[d.Kind])
	}
}
