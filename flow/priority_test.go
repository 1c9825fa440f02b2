package flow

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// Everything that can happen to a waiting run, in one workflow task.
const (
	wasCanceled = 1 << iota
	wasUsed
	wasSent
	wasRequested
	wasExpired
)

// Among the events of one workflow task, a disowned link changes nothing and a used link counts. A
// request is answered before the run expires.
func TestPriority(t *testing.T) {
	t.Parallel()
	for happened := 1; happened < 1<<5; happened++ {
		t.Run(fmt.Sprintf("%05b", happened), func(t *testing.T) {
			t.Parallel()
			want := waited{Mails: 1}
			switch {
			case happened&wasCanceled != 0:
				want.Event = statemachine.Cancel
			case happened&wasUsed != 0:
				want.Event = statemachine.TokenSubmitted
			case happened&wasSent != 0:
				want.Event = statemachine.LinkSent
			case happened&wasRequested != 0:
				want = waited{statemachine.LinkSent, 2} // of another mail
			default:
				want.Event = statemachine.Expire
			}
			if got := waitFor(t, happened); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// waited is the end of a wait, and the number of mails begun by then.
type waited struct {
	Event statemachine.Event
	Mails int
}

// waitFor is the result of a wait for events that have all happened already.
func waitFor(t *testing.T, happened int) waited {
	t.Helper()
	suite := &testsuite.WorkflowTestSuite{}
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: DeadlockAfter})
	env.RegisterActivityWithOptions(func(_ context.Context, m Mail) (Delivery, error) { return Delivery{Mail: m.LinkMail().Name()}, nil },
		activity.RegisterOptions{Name: SendEmail})
	if happened&wasRequested != 0 {
		env.RegisterDelayedCallback(func() { env.SignalWorkflowSkippingWorkflowTask(RequestSignal, nil) }, 0)
	}
	env.ExecuteWorkflow(waitIn, happened)
	var got waited
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

// waitIn is the wait of a run whose first mail went out.
func waitIn(ctx workflow.Context, happened int) (waited, error) {
	r, detached := begin(ctx, Definition{Table: statemachine.Reset}, Request{LinkLife: time.Hour})
	future := func(ready bool) workflow.Future {
		f, settable := workflow.NewFuture(detached)
		if ready {
			settable.Set(nil, nil)
		}
		return f
	}
	r.mails = 1
	r.canceled = func() bool { return happened&wasCanceled != 0 }
	r.wait = future(happened&wasUsed != 0)
	r.expiry = future(happened&wasExpired != 0)
	if happened&wasSent != 0 {
		answer, settable := workflow.NewFuture(detached)
		settable.Set(Delivery{Mail: r.sending.Name()}, nil)
		r.mail = answer
	}
	event, err := AwaitToken(detached, r)
	return waited{event, r.mails}, err
}

// Among waiting mails, notices go first: every visitor can request links. Events come last.
func TestNoticesGoFirst(t *testing.T) {
	t.Parallel()
	env := (&testsuite.WorkflowTestSuite{}).NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{DeadlockDetectionTimeout: DeadlockAfter})
	env.ExecuteWorkflow(func(ctx workflow.Context) (keys []int, _ error) {
		for _, mail := range []workflow.Context{noticeOptions(ctx, time.Hour), mailOptions(ctx, "mail a link"), tellOptions(ctx, time.Hour)} {
			keys = append(keys, workflow.GetActivityOptions(mail).Priority.PriorityKey)
		}
		return keys, nil
	})
	const first, normal, last = 1, 0, 5 // 0 is the server's default, the middle of 5
	var keys []int
	if err := env.GetWorkflowResult(&keys); err != nil || !slices.Equal(keys, []int{first, normal, last}) {
		t.Errorf("priorities of a notice, a link and an event: %v, %v", keys, err)
	}
}
