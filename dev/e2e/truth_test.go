package e2e

import (
	"context"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// pause pauses the newest run of a person, as an operator does, or lets it go on.
func pause(t *testing.T, s *stack.Stack, who account.Account, goOn bool) {
	t.Helper()
	c, id := temporalClient(t, s), workflowID(t, s, who.Address)
	run, err := c.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	runID := run.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	want := enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
	if goOn {
		want = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		_, err = c.WorkflowService().UnpauseWorkflowExecution(t.Context(), &workflowservice.UnpauseWorkflowExecutionRequest{
			Namespace: client.DefaultNamespace, WorkflowId: id, RunId: runID, Identity: "a test", Reason: "a test", RequestId: "go on",
		})
	} else {
		_, err = c.WorkflowService().PauseWorkflowExecution(t.Context(), &workflowservice.PauseWorkflowExecutionRequest{
			Namespace: client.DefaultNamespace, WorkflowId: id, RunId: runID, Identity: "a test", Reason: "a test", RequestId: "pause",
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if run, err = c.DescribeWorkflowExecution(t.Context(), id, runID); err != nil || run.GetWorkflowExecutionInfo().GetStatus() != want {
		t.Fatalf("the run is %s (%v)", run.GetWorkflowExecutionInfo().GetStatus(), err)
	}
}

// results are the results of the activities of a type in a run, as they are kept.
func results(t *testing.T, s *stack.Stack, run *commonpb.WorkflowExecution, kind string) (found []*commonpb.Payloads) {
	t.Helper()
	scheduled := map[int64]bool{}
	for _, e := range eventsOf(t, s, run) {
		if e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == kind {
			scheduled[e.GetEventId()] = true
		}
		if done := e.GetActivityTaskCompletedEventAttributes(); done != nil && scheduled[done.GetScheduledEventId()] {
			found = append(found, done.GetResult())
		}
	}
	return found
}

// eventsOf is the history of a run, or of the newest one of a workflow ID.
func eventsOf(t *testing.T, s *stack.Stack, run *commonpb.WorkflowExecution) (all []*historypb.HistoryEvent) {
	t.Helper()
	it := temporalClient(t, s).GetWorkflowHistory(t.Context(), run.GetWorkflowId(), run.GetRunId(), false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// untilScheduled waits for the n-th activity of a type in the newest run and returns its ID.
func untilScheduled(t *testing.T, s *stack.Stack, id, kind string, n int) (activityID string) {
	t.Helper()
	process.Eventually(t, patience, "the activity "+kind, func() bool {
		seen := 0
		for _, e := range eventsOf(t, s, &commonpb.WorkflowExecution{WorkflowId: id}) {
			a := e.GetActivityTaskScheduledEventAttributes()
			if a.GetActivityType().GetName() == kind {
				seen, activityID = seen+1, a.GetActivityId()
			}
		}
		return seen >= n
	})
	return activityID
}

// security 27: an attacker without keys copies the submission and the verdict of one run into
// another run of the same account. The verdict names its run. So nothing is "changed" there, no
// notice is sent, and the link of that run works.
func TestVerdictOfAnotherRun(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	who := newPerson(t, s, nil)
	id := workflowID(t, s, who.Address)
	forgot(t, s, who.Address)
	first, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, first, otherPassword); a.code != 200 {
		t.Fatalf("the first reset: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
	a := &commonpb.WorkflowExecution{WorkflowId: id, RunId: eventsOf(t, s, &commonpb.WorkflowExecution{WorkflowId: id})[0].
		GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId()}
	submission := results(t, s, a, flow.AwaitTokenSubmission)[0]
	verdict := results(t, s, a, flow.ChangePassword)[0]

	mailed(t, s, who.Address, 2) // the notice
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 3)
	waitForTimer(t, s, who.Address)
	if err := s.StopWorker(); err != nil {
		t.Fatal(err)
	}
	stop := onlyDecides(t, s)
	stranger, err := client.Dial(s.TemporalOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stranger.Close)
	copied := func(activityID string, what *commonpb.Payloads) {
		raw := converter.NewRawValue(what.GetPayloads()[0])
		if err := stranger.CompleteActivityByID(t.Context(), client.DefaultNamespace, id, "", activityID, raw, nil); err != nil {
			t.Fatal(err)
		}
	}
	copied(flow.AwaitTokenSubmission, submission)
	copied(untilScheduled(t, s, id, flow.ChangePassword, 1), verdict)
	untilScheduled(t, s, id, flow.ChangePassword, 2) // it is no verdict, and the change is retried
	stop()
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	untilScheduled(t, s, id, flow.AwaitTokenSubmission, 2) // a foreign submission: the wait is armed again
	if a := get(t, s, "/account/reset_password/"+token); a.State != "open" {
		t.Errorf("the link of the other run: %+v", a)
	}
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Errorf("a password through it: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
	if code := signIn(t, s, who.Address, newPassword); code != 200 {
		t.Errorf("sign-in: %d", code)
	}
	changes := 0
	for _, e := range auditOf(t, s, who) {
		if e == account.EventPasswordChanged {
			changes++
		}
	}
	mailed(t, s, who.Address, 4)
	if mails, err := s.Mail.Wait(done(), who.Address, 5); changes != 2 || err == nil {
		t.Errorf("%d changes, %d mails; want 2 links and 2 notices of 2 changes", changes, len(mails))
	}
}

// done is a context that waits for nothing.
func done() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// onlyDecides is a worker that does workflow tasks and no activities, until it is stopped.
func onlyDecides(t *testing.T, s *stack.Stack) (stop func()) {
	t.Helper()
	w := worker.New(temporalClient(t, s), flow.TaskQueue, worker.Options{LocalActivityWorkerOnly: true})
	w.RegisterWorkflowWithOptions(workflow.ResetPassword.Run, sdk.RegisterOptions{Name: workflow.ResetPassword.Name})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	return w.Stop
}

// A request at once after a cancel or a change is answered by a mail, although its run is still
// open. The requests of a cool-down are one.
func TestAskedAgainAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  func(t *testing.T, toReset, toCancel string)
		mail int // that answers
	}{
		"after a cancel": {func(t *testing.T, _, toCancel string) {
			t.Helper()
			if a := post(t, shared, "/account/cancel_reset/"+toCancel, struct{}{}); a.code != 200 {
				t.Errorf("cancel: %+v", a)
			}
		}, 2},
		"after a change": {func(t *testing.T, toReset, _ string) {
			t.Helper()
			if a := reset(t, shared, toReset, newPassword); a.code != 200 {
				t.Errorf("reset: %+v", a)
			}
		}, 3}, // link, notice, link
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				who := newPerson(t, shared, nil)
				forgot(t, shared, who.Address)
				toReset, toCancel := tokens(t, shared, who.Address, 1)
				tc.end(t, toReset, toCancel)
				forgot(t, shared, who.Address)
				if text := mailed(t, shared, who.Address, tc.mail); !strings.Contains(text, "/account/change-password/") {
					tokens(t, shared, who.Address, tc.mail-1) // the notice was overtaken
				}
			}
		})
	}
}
