package workflow_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	accountKey = "0123456789abcdef0123456789abcdef"
	life       = 30 * time.Minute
	coolDown   = time.Minute
	lifetime   = life + time.Minute // of a run whose one mail takes no time
	owner      = "account-7"
	sender     = "default-test-run-id" // of the environment
)

var started = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// story is one run in the SDK's time-skipping environment, where the test plays all other parties.
// Payloads are sealed as in production.
type story struct {
	*testsuite.TestWorkflowEnvironment
	t    *testing.T
	flow flow.Definition
	in   flow.Request

	// How the activities answer; the number counts the calls from 1. A delivery or verdict without
	// a mail or run gets the requested one. A pointer to one stays as it is.
	mail   func(n int, m flow.Mail) answer
	notice func(n int, m flow.Mail) answer
	change func(n int, c flow.Change) answer
	record func(n int) answer
	// noteBounce answers those about mails that bounced.
	noteBounce func(n int) answer

	ending func(n int, e flow.Ending) answer
	giveUp func(n int, m flow.Mail) answer
	tell   func(n int, e flow.HostEvent) answer

	mu      sync.Mutex // activities run beside each other
	wait    activity.Info
	waits   int
	works   []activity.Info // attempts of activities that do not wait
	mails   []mailed
	notices []flow.Mail
	changes []flow.Change
	cancels []flow.Cancellation
	endings []flow.Ending
	given   []flow.Mail // notices that were given up
	told    []flow.HostEvent
	bounces []flow.Bounced

	upserts []string // values of the search attribute
	stopped []string // activities that the run canceled
	counted meter
}

// answer is the result of an activity, and its time.
type answer struct {
	after  time.Duration
	result any
	err    error
	failed error // of an attempt by a worker: another follows by the policy
}

// mailed is a link mail that the run started an activity for.
type mailed struct {
	flow.Mail
	At time.Duration // since the start
}

func newStory(t *testing.T) *story {
	t.Helper()
	return newStoryOf(t, workflow.ResetPassword)
}

func newStoryOf(t *testing.T, d flow.Definition) *story {
	t.Helper()
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	counted := newMeter()
	suite.SetMetricsHandler(counted)
	s := &story{
		counted:                 counted,
		TestWorkflowEnvironment: suite.NewTestWorkflowEnvironment(),
		t:                       t,
		flow:                    d,
		in: flow.Request{
			Address: "ada@example.com", AccountKey: accountKey, LinkLife: life, MailPause: coolDown, Client: "192.0.2.7", Flow: d.Mark(),
		},
		mail:   func(int, flow.Mail) answer { return answer{result: flow.Delivery{}} },
		notice: func(_ int, m flow.Mail) answer { return answer{result: flow.Delivery{Notice: m.Run}} },
		change: func(_ int, c flow.Change) answer { return answer{result: changed(c)} },
		record: func(int) answer { return answer{} },

		noteBounce: func(int) answer { return answer{} },

		giveUp: func(_ int, m flow.Mail) answer { return answer{result: flow.Delivery{Notice: m.Run}} },
		tell:   func(_ int, e flow.HostEvent) answer { return answer{result: flow.Told{Of: e.Name()}} },
	}
	s.SetStartTime(started)
	s.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: d.ID(accountKey), TaskQueue: flow.TaskQueue})
	s.SetDataConverter(postbox{sealed()})
	s.SetWorkerOptions(worker.Options{
		DeadlockDetectionTimeout: flow.DeadlockAfter,
		Interceptors:             []interceptor.WorkerInterceptor{&attributes{values: &s.upserts}},
	})
	s.SetOnActivityCanceledListener(func(i *activity.Info) { s.stopped = append(s.stopped, i.ActivityType.Name) })
	s.register()
	return s
}

func (s *story) register() {
	s.RegisterWorkflowWithOptions(s.flow.Run, sdk.RegisterOptions{Name: s.flow.Name})
	s.RegisterWorkflowWithOptions(flow.Finish, sdk.RegisterOptions{Name: flow.FinishName})
	as := func(name string, f any) { s.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name}) }
	as(flow.AwaitTokenSubmission, func(ctx context.Context) (flow.Submission, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waits++
		s.wait = activity.GetInfo(ctx)
		return flow.Submission{}, activity.ErrResultPending
	})
	as(flow.SendEmail, func(ctx context.Context, m flow.Mail) (flow.Delivery, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if m.Account != "" {
			s.notices = append(s.notices, m)
			a := s.notice(len(s.notices), m)
			if d, ok := a.result.(flow.Delivery); ok && d.Notice == "" && d.Waits == "" {
				d.Notice = m.Run
				a.result = d
			}
			return flow.Delivery{}, s.later(ctx, a)
		}
		s.mails = append(s.mails, mailed{m, s.elapsed()})
		a := s.mail(len(s.mails), m)
		if d, ok := a.result.(flow.Delivery); ok && d.Mail == "" && d.Waits == "" {
			d.Mail = m.LinkMail().Name()
			a.result = d
		}
		return flow.Delivery{}, s.later(ctx, a)
	})
	as(flow.ChangePassword, func(ctx context.Context, c flow.Change) (flow.Verdict, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changes = append(s.changes, c)
		a := s.change(len(s.changes), c)
		if v, ok := a.result.(flow.Verdict); ok && v.Run == "" {
			v.Run = c.Run
			a.result = v
		}
		return flow.Verdict{}, s.later(ctx, a)
	})
	as(flow.RecordCancel, func(ctx context.Context, c flow.Cancellation) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cancels = append(s.cancels, c)
		return s.later(ctx, s.record(len(s.cancels)))
	})
	s.registerEnd(as)
}

func (s *story) registerEnd(as func(name string, f any)) {
	as(flow.EndReset, func(ctx context.Context, e flow.Ending) (flow.Ended, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.endings = append(s.endings, e)
		return flow.Ended{}, s.later(ctx, s.ending(len(s.endings), e))
	})
	as(flow.GiveUpNotice, func(ctx context.Context, m flow.Mail) (flow.Delivery, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.given = append(s.given, m)
		return flow.Delivery{}, s.later(ctx, s.giveUp(len(s.given), m))
	})
	as(flow.NoteBounce, func(ctx context.Context, b flow.Bounced) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bounces = append(s.bounces, b)
		return s.later(ctx, s.noteBounce(len(s.bounces)))
	})
	as(flow.TellHost, func(ctx context.Context, e flow.HostEvent) (flow.Told, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, e)
		return flow.Told{}, s.later(ctx, s.tell(len(s.told), e))
	})
}

// later completes the activity from outside, as every client of Temporal can.
func (s *story) later(ctx context.Context, a answer) error {
	info := activity.GetInfo(ctx)
	s.works = append(s.works, info)
	if a.failed != nil {
		return a.failed
	}
	s.at(a.after, func() { s.check(s.CompleteActivity(info.TaskToken, a.result, a.err)) })
	return activity.ErrResultPending
}

// at does something when the run is so old.
func (s *story) at(age time.Duration, do func()) { s.RegisterDelayedCallback(do, age) }

func (s *story) elapsed() time.Duration { return s.Now().Sub(started) }

// ask is the owner's request for another link.
func (s *story) ask() { s.SignalWorkflow(flow.RequestSignal, again) }

// again is the caller who requests another link.
var again = flow.Caller{AccountKey: accountKey, Client: "192.0.2.8"}

// disown is the owner's use of the link for "this wasn't me".
func (s *story) disown() { s.SignalWorkflow(flow.DisownSignal, disowner) }

// operator cancels the reset or requests another link.
var operator = flow.Caller{AccountKey: accountKey, Operator: "a.smith", Run: "0f9a1c52-8d3b-4f70-9b1e-5a2d7c64e310"}

var disowner = flow.Caller{AccountKey: accountKey, LinkRun: "0f9a1c52-8d3b-4f70-9b1e-5a2d7c64e310", Client: "192.0.2.9"}

// submit returns the use of a link.
func (s *story) submit(id string) func() { return s.complete(submission(id), nil) }

// complete returns the completion of the open wait.
func (s *story) complete(result any, err error) func() {
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.check(s.CompleteActivity(s.wait.TaskToken, result, err))
	}
}

func (s *story) execute(input any) { s.ExecuteWorkflow(s.flow.Name, input) }

// run tells the story to its end. It wants a run that ends without an error.
func (s *story) run() flow.Outcome {
	s.t.Helper()
	s.execute(s.in)
	s.note()
	var out flow.Outcome
	s.check(s.GetWorkflowResult(&out))
	return s.named(out)
}

// named is the rest of an outcome, which has to name its run.
func (s *story) named(out flow.Outcome) flow.Outcome {
	s.t.Helper()
	diff(s.t, "run of the outcome", out.Run, sender)
	out.Run = ""
	return out
}

func (s *story) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err)
	}
}

func submission(id string) flow.Submission {
	return flow.Submission{ID: id, LinkRun: "run", Sealed: []byte("sealed " + id)}
}

// apply is the run's request for a change.
func apply(id string) flow.Change {
	return flow.Change{Run: sender, Sender: sender, Submission: submission(id), Waits: true}
}

func changed(c flow.Change) flow.Verdict {
	return flow.Verdict{
		Event: statemachine.PasswordChanged, Submission: c.Submission.ID, Account: owner, Changed: started.Add(time.Hour),
	}
}

func diff(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
