package verifyemail

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

const accountKey = "0123456789abcdef0123456789abcdef"

// story is one run in the SDK's time-skipping environment. The test plays the activities.
type story struct {
	*testsuite.TestWorkflowEnvironment
	t       *testing.T
	mu      sync.Mutex // activities run beside each other
	wait    []byte     // token of the activity that waits for the link
	verdict statemachine.Event
	mails   int
	applied []flow.Change
	cancels int
}

func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{TestWorkflowEnvironment: new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment(), t: t, verdict: statemachine.Applied}
	s.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: Definition.ID(accountKey), TaskQueue: flow.TaskQueue})
	s.RegisterWorkflowWithOptions(Definition.Run, workflow.RegisterOptions{Name: Definition.Name})
	as := func(name string, f any) { s.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	as(flow.AwaitTokenSubmission, func(ctx context.Context) (flow.Submission, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wait = activity.GetInfo(ctx).TaskToken
		return flow.Submission{}, activity.ErrResultPending
	})
	as(flow.SendEmail, func(_ context.Context, m flow.Mail) (flow.Delivery, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.mails++
		return flow.Delivery{Mail: m.LinkMail().Name()}, nil
	})
	as(flow.ChangePassword, func(_ context.Context, c flow.Change) (flow.Verdict, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.applied = append(s.applied, c)
		return flow.Verdict{Event: s.verdict, Run: c.Run, Submission: c.Submission.ID}, nil
	})
	as(flow.RecordCancel, func(context.Context, flow.Cancellation) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cancels++
		return nil
	})
	return s
}

// use is the use of a link, so long after the start.
func (s *story) use(after time.Duration) {
	s.RegisterDelayedCallback(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.CompleteActivity(s.wait, flow.Submission{ID: "one", LinkRun: "run"}, nil); err != nil {
			s.t.Error(err)
		}
	}, after)
}

// run tells the story to its end, and returns its outcome and duration.
func (s *story) run() (flow.Outcome, time.Duration) {
	s.t.Helper()
	began := s.Now()
	s.ExecuteWorkflow(Definition.Name, flow.Request{
		Address: "ann@example.com", AccountKey: accountKey, LinkLife: life, MailPause: time.Minute, Flow: Definition.Mark(),
	})
	var out flow.Outcome
	if err := s.GetWorkflowResult(&out); err != nil {
		s.t.Fatal(err)
	}
	return out, s.Now().Sub(began)
}

func TestFlowIsWhole(t *testing.T) {
	if err := Flow(nil).Check(); err != nil {
		t.Error(err)
	}
}

func TestUsed(t *testing.T) {
	s := newStory(t)
	s.use(time.Hour)
	out, took := s.run()
	if out.State != statemachine.StateCompleted || out.Accepted != "one" || took > time.Hour+time.Minute {
		t.Errorf("%+v after %v", out, took)
	}
	if s.mails != 1 || len(s.applied) != 1 || s.applied[0].Flow != "verify-email" {
		t.Errorf("%d mails, applied %+v", s.mails, s.applied)
	}
}

func TestExpired(t *testing.T) {
	s := newStory(t)
	out, took := s.run()
	if out.State != statemachine.StateExpired || took < life || took > life+time.Hour || len(s.applied) > 0 {
		t.Errorf("%+v after %v, applied %+v", out, took, s.applied)
	}
}

func TestRefused(t *testing.T) {
	s := newStory(t)
	s.verdict = statemachine.ChangeRefused
	s.use(time.Hour)
	if out, _ := s.run(); out.State != statemachine.StateRefused {
		t.Errorf("%+v", out)
	}
}

func TestCanceled(t *testing.T) {
	s := newStory(t)
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(flow.DisownSignal, flow.Caller{AccountKey: accountKey}) }, time.Hour)
	s.RegisterDelayedCallback(func() { s.SignalWorkflow(flow.RequestSignal, flow.Caller{AccountKey: accountKey}) }, 30*time.Minute)
	out, _ := s.run()
	if out.State != statemachine.StateCanceled || s.cancels != 1 || s.mails != 2 || len(s.applied) > 0 {
		t.Errorf("%+v, %d cancels noted, %d mails, applied %+v", out, s.cancels, s.mails, s.applied)
	}
}
