package workflow_test

import (
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	endedRun = "1c8a0f52-7d3b-4f70-9b1e-5a2d7c64e311"
	firstRun = "0b7a0f52-7d3b-4f70-9b1e-5a2d7c64e312" // its original
)

// applied is the store's answer about a run that changed the password and notified no address.
var applied = flow.Ended{
	Of: endedRun, Run: firstRun, Submission: "one", Account: owner, Changed: started.Add(-time.Hour), Owed: true,
}

// finishStory is a FinishReset. The store gives these answers, the last one for ever.
func finishStory(t *testing.T, answers ...flow.Ended) *story {
	t.Helper()
	s := newStory(t)
	s.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: flow.FinishID(endedRun), TaskQueue: flow.TaskQueue})
	s.ending = func(n int, _ flow.Ending) answer { return answer{result: answers[min(n, len(answers))-1]} }
	return s
}

// finish runs FinishReset, and returns how it ended.
func (s *story) finish(of string) (out flow.Outcome, err error) {
	s.t.Helper()
	s.ExecuteWorkflow(flow.FinishName, flow.Ending{Workflow: workflow.ResetPassword.ID(accountKey), Run: of})
	if !s.IsWorkflowCompleted() {
		s.t.Fatal("it did not end")
	}
	if err := s.GetWorkflowError(); err != nil {
		return out, err
	}
	return out, s.GetWorkflowResult(&out)
}

// The owner gets the notice of a change whose run was terminated, and a caller the true outcome.
func TestFinishAfterAChange(t *testing.T) {
	t.Parallel()
	s := finishStory(t, applied)
	out, err := s.finish(endedRun)
	s.check(err)
	diff(t, "outcome", out, flow.Outcome{State: statemachine.StatePasswordChanged, Accepted: "one", Run: endedRun})
	diff(t, "asked", s.endings, []flow.Ending{{Workflow: workflow.ResetPassword.ID(accountKey), Run: endedRun}})
	diff(t, "notices", s.notices, []flow.Mail{
		{Sender: sender, Run: firstRun, Account: owner, Changed: applied.Changed, Submission: "one"},
	})
	diff(t, "given up", len(s.given), 0)
}

func TestFinishWithoutAChange(t *testing.T) {
	t.Parallel()
	s := finishStory(t, flow.Ended{Of: endedRun})
	out, err := s.finish(endedRun)
	s.check(err)
	diff(t, "outcome", out, flow.Outcome{State: statemachine.StateCanceled, Ended: true, Run: endedRun})
	diff(t, "notices", len(s.notices), 0)
}

// A notice that has reached all addresses is not sent again.
func TestFinishOfASettledNotice(t *testing.T) {
	t.Parallel()
	settled := applied
	settled.Owed = false
	s := finishStory(t, settled)
	out, err := s.finish(endedRun)
	s.check(err)
	diff(t, "outcome", out, flow.Outcome{State: statemachine.StatePasswordChanged, Accepted: "one", Run: endedRun})
	diff(t, "notices", len(s.notices), 0)
}

// FinishReset fails for a run that is open, or that another goes on with after a workflow reset.
func TestFinishOfARunThatGoesOn(t *testing.T) {
	t.Parallel()
	s := finishStory(t, flow.Ended{Of: endedRun, GoesOn: true})
	_, err := s.finish(endedRun)
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); !ok || failed.Type() != "run_goes_on" {
		t.Errorf("error %v", err)
	}
	diff(t, "notices", len(s.notices), 0)
}

// security 27: an answer about another run, copied from there, is none.
func TestFinishBelievesTheStoreOnly(t *testing.T) {
	t.Parallel()
	foreign := flow.Ended{Of: firstRun}
	s := finishStory(t, foreign, foreign, applied)
	out, err := s.finish(endedRun)
	s.check(err)
	diff(t, "outcome", out, flow.Outcome{State: statemachine.StatePasswordChanged, Accepted: "one", Run: endedRun})
	diff(t, "asked", len(s.endings), 3)

	s = finishStory(t, applied)
	if _, err := s.finish(firstRun); err == nil {
		t.Error("the input of another workflow ID is taken")
	}
	diff(t, "asked", len(s.endings), 0)
}

// The notice has its whole day from its first attempt, and an hour at least.
func TestFinishGivesUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		since time.Time
		tried time.Duration
	}{
		"nobody has tried":       {time.Time{}, 24 * time.Hour},
		"tried for 20 hours":     {started.Add(-20 * time.Hour), 4 * time.Hour},
		"tried for days":         {started.Add(-100 * time.Hour), time.Hour},
		"tried by a wrong clock": {started.Add(100 * time.Hour), 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			owed := applied
			owed.Since = tc.since
			s := finishStory(t, owed)
			s.notice = func(int, flow.Mail) answer { return answer{failed: errors.New("mail server away")} }
			_, err := s.finish(endedRun)
			s.check(err)
			diff(t, "given up", s.given, []flow.Mail{{Sender: sender, Run: firstRun, Account: owner, Changed: applied.Changed, Submission: "one"}})
			diff(t, "tried for", s.elapsed(), tc.tried)
		})
	}
}

// The store does not give up a notice that was not tried enough. It goes on.
func TestFinishTriesEnough(t *testing.T) {
	t.Parallel()
	s := finishStory(t, applied)
	s.notice = func(_ int, m flow.Mail) answer {
		if len(s.given) == 0 {
			return answer{failed: errors.New("mail server away")}
		}
		return answer{result: flow.Delivery{Notice: m.Run}}
	}
	s.giveUp = func(_ int, m flow.Mail) answer {
		return answer{result: flow.Delivery{Notice: m.Run, Left: backup}}
	}
	_, err := s.finish(endedRun)
	s.check(err)
	diff(t, "given up", len(s.given), 1)
	if s.elapsed() < 24*time.Hour || s.elapsed() > 26*time.Hour {
		t.Errorf("it ended after %s", s.elapsed())
	}
}

// A notice that has reached one address goes on to the others.
func TestFinishTellsEveryAddress(t *testing.T) {
	t.Parallel()
	s := finishStory(t, applied)
	s.notice = partly
	_, err := s.finish(endedRun)
	s.check(err)
	diff(t, "notices", len(s.notices), 2)
	diff(t, "the second", s.notices[1].To, backup)
	diff(t, "end", s.elapsed(), 10*time.Hour)
}
