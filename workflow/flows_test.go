package workflow_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// Each state that is not final has a step, names differ, and a run is found by its ID.
func TestDefinitionsAreWhole(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, d := range workflow.Flows() {
		if err := d.Check(); err != nil {
			t.Error(err)
		}
		if names[d.Name] || names[d.Kind] || !flow.IsPublic(d.Summary) {
			t.Errorf("%s: name or kind is another flow's, or the summary would be sealed", d.Name)
		}
		names[d.Name], names[d.Kind] = true, true
		if found, ok := workflow.Of(d.ID(accountKey)); !ok || found.Name != d.Name {
			t.Errorf("%s is found as %q", d.ID(accountKey), found.Name)
		}
	}
	if _, ok := workflow.Of("finish/" + accountKey); ok {
		t.Error("a workflow ID of no flow has one")
	}
	stuck := workflow.ForceReset
	stuck.Steps = workflow.ResetPassword.Steps
	if stuck.Check() == nil {
		t.Error("a state without a step is not found")
	}
}

// security 48: a request that is sealed for one flow starts no run of another. Anybody with access
// to the namespace can copy it.
func TestRequestOfAnotherFlow(t *testing.T) {
	t.Parallel()
	for _, d := range workflow.Flows() {
		for _, from := range workflow.Flows() {
			if d.Name == from.Name {
				continue
			}
			s := newStoryOf(t, d)
			if d.Name == workflow.ForceReset.Name {
				s, _ = forced(t, blocked) // which a run that starts would ask for
			}
			s.in.Flow = from.Mark()
			s.execute(s.in)
			if s.GetWorkflowError() == nil || len(s.works) > 0 {
				t.Errorf("a request of %s starts %s", from.Name, d.Name)
			}
		}
	}
}

const day = 24 * time.Hour

// invitation is a run of an application that wants events.
func invitation(t *testing.T) *story {
	t.Helper()
	s := newStoryOf(t, workflow.Invite)
	s.in.LinkLife, s.in.Note = 3*day, "Bob"
	s.mail = func(int, flow.Mail) answer { return answer{result: flow.Delivery{Tells: true, Account: owner}} }
	return s
}

// An invitation goes out, is repeated a day later and expires three days after that. The backend
// hears of it.
func TestInvitationReminds(t *testing.T) {
	t.Parallel()
	s := invitation(t)
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateExpired, Mails: 2})
	diff(t, "mails", s.times(), []time.Duration{0, day})
	diff(t, "end", s.elapsed(), 4*day+time.Minute)
	for _, m := range s.mails {
		if m.Flow != "invitation" || m.Note != "Bob" || m.Life != 3*day {
			t.Errorf("the mail is %+v", m)
		}
	}
	var told []string
	for _, e := range s.heard() {
		told = append(told, string(e.Type))
	}
	diff(t, "told", told, []string{"invitation.requested", "invitation.expired"})
}

// An invitation that is used in time, sent again by its inviter, or withheld gets no reminder.
func TestInvitationWithoutReminder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do    func(*story)
		mails []time.Duration
		state statemachine.State
	}{
		"used":     {func(s *story) { s.at(time.Hour, s.submit("one")) }, []time.Duration{0}, statemachine.StateCompleted},
		"canceled": {func(s *story) { s.at(time.Hour, s.disown) }, []time.Duration{0}, statemachine.StateCanceled},
		"resent":   {func(s *story) { s.at(time.Hour, s.ask) }, []time.Duration{0, time.Hour}, statemachine.StateExpired},
		"withheld": {func(s *story) {
			s.mail = func(int, flow.Mail) answer { return answer{result: flow.Delivery{Withheld: flow.HasPassword}} }
		}, []time.Duration{0}, statemachine.StateExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := invitation(t)
			tc.do(s)
			diff(t, "state", s.run().State, tc.state)
			diff(t, "mails", s.times(), tc.mails)
		})
	}
}

// The first password is applied as one of an invitation, and told as set.
func TestInvitationSetsAPassword(t *testing.T) {
	t.Parallel()
	s := invitation(t)
	s.at(25*time.Hour, s.submit("one"))
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 2})
	want := apply("one")
	want.Flow = "invitation"
	diff(t, "changes", s.changes, []flow.Change{want})
	diff(t, "notices", len(s.notices), 1)
	told := func(e flow.HostEvent) bool { return e.Type == flow.HostPasswordSet }
	if !slices.ContainsFunc(s.told, told) {
		t.Errorf("told: %+v", s.told)
	}
}

// forced is a run whose passwords are blocked by these decisions, the last one for ever.
func forced(t *testing.T, decisions ...any) (s *story, questions *[]flow.Question) {
	t.Helper()
	s, questions = newStoryOf(t, workflow.ForceReset), &[]flow.Question{}
	s.in.Operator, s.in.Client, s.in.Note, s.in.Order, s.in.At = "a.smith", "", "a leak", "ORDER", started
	s.RegisterActivityWithOptions(func(ctx context.Context, q flow.Question) (flow.Decision, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.works = append(s.works, activity.GetInfo(ctx))
		*questions = append(*questions, q)
		switch d := decisions[min(len(*questions), len(decisions))-1].(type) {
		case flow.Decision:
			return d, nil
		case error:
			return flow.Decision{}, d
		}
		panic("no decision")
	}, activity.RegisterOptions{Name: workflow.BlockPassword})
	return s, questions
}

var blocked = flow.Decision{Run: sender, Event: statemachine.PasswordBlocked}

// The password is blocked before the mail goes out.
func TestForcedReset(t *testing.T) {
	t.Parallel()
	s, questions := forced(t, blocked)
	s.at(5*time.Minute, s.submit("one"))
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateCompleted, Accepted: "one", Mails: 1})
	diff(t, "questions", *questions, []flow.Question{{
		Run: sender, Sender: sender, Flow: "forced-reset", Address: "ada@example.com",
		Operator: "a.smith", Note: "a leak", Order: "ORDER", At: started,
	}})
	diff(t, "way", s.transitions(), []string{
		"requested requested", "password_blocked password_blocked", "link_sent awaiting_token", "token_submitted token_submitted",
		"password_changed password_changed", "notice_sent completed",
	})
}

// A decision about another run, one that the state does not allow, and a failure count for nothing.
func TestForeignDecisions(t *testing.T) {
	t.Parallel()
	other, wild := blocked, blocked
	other.Run, wild.Event = "another", statemachine.TokenSubmitted
	s, questions := forced(t, other, wild, errors.New("store away"), blocked)
	s.at(5*time.Minute, s.submit("one"))
	diff(t, "state", s.run().State, statemachine.StateCompleted)
	diff(t, "questions", len(*questions), 4)
	if len(s.mails) != 1 || s.mails[0].At < 20*time.Second {
		t.Errorf("mails: %+v", s.mails)
	}
}

// A refused block ends the run without a mail.
func TestRefusedBlock(t *testing.T) {
	t.Parallel()
	s, _ := forced(t, flow.Decision{Run: sender, Event: statemachine.ChangeRefused, Reason: "no password"})
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateRefused, Refused: "no password"})
	diff(t, "mails", len(s.mails), 0)
}

// A late request mails a further link and blocks nothing: the owner may have chosen a new password.
func TestForcedResetContinues(t *testing.T) {
	t.Parallel()
	s, questions := forced(t, blocked)
	s.in.Previous = &flow.Outcome{State: statemachine.StateExpired}
	diff(t, "state", s.run().State, statemachine.StateExpired)
	diff(t, "questions", len(*questions), 0)
	diff(t, "mails", len(s.mails), 1)
}

// A signal comes with each start of a backend. It is the request of the start, also where no mail
// follows: a refused forced reset mails nothing, and nothing goes on.
func TestStartIsNoLateRequest(t *testing.T) {
	t.Parallel()
	s, questions := forced(t, flow.Decision{Run: sender, Event: statemachine.ChangeRefused, Reason: "no password"})
	s.at(0, func() { s.SignalWorkflowSkippingWorkflowTask(flow.RequestSignal, again) })
	diff(t, "outcome", s.run(), flow.Outcome{State: statemachine.StateRefused, Refused: "no password"})
	diff(t, "questions", len(*questions), 1)
}

// The application hears of a forced reset that was refused.
func TestRefusedBlockIsTold(t *testing.T) {
	t.Parallel()
	s, _ := forced(t, flow.Decision{Run: sender, Event: statemachine.ChangeRefused, Reason: "not_resettable", Tells: true, Account: "ann"})
	s.run()
	var types []flow.HostEventType
	for _, e := range s.heard() {
		types = append(types, e.Type)
	}
	diff(t, "events", types, []flow.HostEventType{"forced-reset.refused", "forced-reset.requested"})
}

// An invitation that lives no longer than the time of the reminder has none: its link has ended then.
func TestInvitationEndsWithItsLife(t *testing.T) {
	t.Parallel()
	s := invitation(t)
	s.in.LinkLife = day
	diff(t, "state", s.run().State, statemachine.StateExpired)
	diff(t, "end", s.elapsed(), day+time.Minute)
}

// A reminder is the operator's too: it has their name, and the limit of their mails.
func TestReminderIsTheOperators(t *testing.T) {
	t.Parallel()
	s := invitation(t)
	s.in.Client, s.in.Operator = "", "backend token 1"
	s.run()
	for _, m := range s.mails {
		diff(t, "operator of a mail", m.Operator, "backend token 1")
	}
}
