package main

import (
	"context"
	"time"

	activitypb "go.temporal.io/api/activity/v1"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// byOperators are the stories of what else Temporal lets somebody do with a run.
func byOperators() []story {
	const completed = statemachine.StateCompleted
	return []story{
		one("reset-while-mailing", resetMailing, ends(completed), wasReset, mailFails, schedules(workflow.SendEmail, 3)),
		one("mail-failed-by-stranger", failedMail, ends(completed), mailFails, not(wasReset), schedules(workflow.SendEmail, 3)),
		one("mail-timed-out", timedOutMail, ends(completed), timesOut, schedules(workflow.SendEmail, 3)),
		one("paused", pausedRun, ends(completed), pauses),
		one("finish-after-termination", terminated, ends(statemachine.StatePasswordChanged), schedules(workflow.SendEmail, 1)),
	}
}

var (
	mailFails = has("an activity that failed", enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED)
	timesOut  = has("an activity that timed out", enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT)
	pauses    = has("a pause", enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED)
	wasReset  = rule{"a workflow reset", func(r *recorded) bool {
		for _, e := range r.GetEvents() {
			if e.GetWorkflowTaskFailedEventAttributes().GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW {
				return true
			}
		}
		return false
	}}
)

// mailPending asks while the mail server defers, does something to the run whose mail is
// tried again, and uses the link that comes when the mail server takes it.
func (o *owner) mailPending(ctx context.Context, then step) error {
	o.fail(o.who.Address, func(inbox.Message) error { return inbox.Reply(451, "try again later") })
	retries := func(ctx context.Context) error { return o.retries(ctx, workflow.SendEmail) }
	if err := inOrder(ctx, o.ask, retries, then); err != nil {
		return err
	}
	o.fail(o.who.Address, func(inbox.Message) error { return nil })
	token, err := o.link(ctx, 1)
	if err != nil {
		return err
	}
	return o.submit(ctx, token, newPassword, "")
}

// resetMailing: the reset keeps the task that scheduled the mail, which names the run that was,
// since a request came after it.
func resetMailing(ctx context.Context, o *owner) error {
	return o.mailPending(ctx, func(ctx context.Context) error { return inOrder(ctx, o.ask, o.heard, o.resetToTheLastTask) })
}

// resetToTheLastTask begins the newest run again after its last workflow task.
func (o *owner) resetToTheLastTask(ctx context.Context) error {
	run, err := o.temporal.DescribeWorkflowExecution(ctx, o.workflow, "")
	if err != nil {
		return err
	}
	h, err := o.history(ctx, "")
	if err != nil {
		return err
	}
	var last int64
	for _, e := range h.GetEvents() {
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			last = e.GetEventId()
		}
	}
	_, err = o.temporal.WorkflowService().ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowExecution: run.GetWorkflowExecutionInfo().GetExecution(),
		WorkflowTaskFinishEventId: last, Reason: "a story", RequestId: "reset",
	})
	return err
}

// failedMail: somebody says that the mail has failed for good, which the mail server has and
// has not taken yet.
func failedMail(ctx context.Context, o *owner) error {
	came, release := o.hold(inbox.Reply(451, "try again later"))
	defer release()
	fails := func(ctx context.Context) error {
		id, err := o.pendingMail(ctx)
		if err != nil {
			return err
		}
		failure := temporal.NewNonRetryableApplicationError("no", "stranger", nil)
		return o.temporal.CompleteActivityByID(ctx, client.DefaultNamespace, o.workflow, "", id, nil, failure)
	}
	if err := inOrder(ctx, o.ask, await(came, "the mail"), fails); err != nil {
		return err
	}
	token, err := o.link(ctx, 1)
	if err != nil {
		return err
	}
	return o.submit(ctx, token, newPassword, "")
}

// timedOutMail: an operator leaves the mail no more time.
func timedOutMail(ctx context.Context, o *owner) error {
	return o.mailPending(ctx, func(ctx context.Context) error {
		id, err := o.pendingMail(ctx)
		if err != nil {
			return err
		}
		_, err = o.temporal.WorkflowService().UpdateActivityOptions(ctx, &workflowservice.UpdateActivityOptionsRequest{
			Namespace: client.DefaultNamespace, Execution: &commonpb.WorkflowExecution{WorkflowId: o.workflow},
			Activity:        &workflowservice.UpdateActivityOptionsRequest_Id{Id: id},
			ActivityOptions: &activitypb.ActivityOptions{ScheduleToCloseTimeout: durationpb.New(time.Second)},
			UpdateMask:      &fieldmaskpb.FieldMask{Paths: []string{"schedule_to_close_timeout"}},
		})
		return err
	})
}

// pendingMail is the activity ID of the mail that is on its way.
func (o *owner) pendingMail(ctx context.Context) (string, error) {
	run, err := o.temporal.DescribeWorkflowExecution(ctx, o.workflow, "")
	for _, a := range run.GetPendingActivities() {
		if a.GetActivityType().GetName() == workflow.SendEmail {
			return a.GetActivityId(), err
		}
	}
	return "", err
}

// pausedRun is paused when its link is out, and goes on before that is used.
func pausedRun(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	run, err := o.temporal.DescribeWorkflowExecution(ctx, o.workflow, "")
	if err != nil {
		return err
	}
	id := run.GetWorkflowExecutionInfo().GetExecution().GetRunId()
	_, err = o.temporal.WorkflowService().PauseWorkflowExecution(ctx, &workflowservice.PauseWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowId: o.workflow, RunId: id, Identity: identity, Reason: "a story", RequestId: "pause",
	})
	if err != nil {
		return err
	}
	_, err = o.temporal.WorkflowService().UnpauseWorkflowExecution(ctx, &workflowservice.UnpauseWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowId: o.workflow, RunId: id, Identity: identity, Reason: "a story", RequestId: "go on",
	})
	if err != nil {
		return err
	}
	return o.submit(ctx, token, newPassword, "")
}

// terminated ends the run between its change and its notice, and goes on to what follows it,
// which is what is recorded. It is begun, and asked for the outcome, as the starter does.
func terminated(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	run, err := o.temporal.DescribeWorkflowExecution(ctx, o.workflow, "")
	if err != nil {
		return err
	}
	o.fail(o.who.Address, func(inbox.Message) error { return inbox.Reply(451, "try again later") })
	retries := func(ctx context.Context) error { return o.retries(ctx, workflow.SendEmail) }
	terminates := func(ctx context.Context) error {
		return o.temporal.TerminateWorkflow(ctx, o.workflow, "", "a story")
	}
	if err := inOrder(ctx, o.submits(token), retries, terminates); err != nil {
		return err
	}
	o.fail(o.who.Address, nil)
	ended := workflow.Ending{Workflow: o.workflow, Run: run.GetWorkflowExecutionInfo().GetExecution().GetRunId()}
	o.workflow = workflow.FinishID(ended.Run)
	if _, err := o.temporal.ExecuteWorkflow(ctx, workflow.FinishOptions(ended.Run, workflow.TaskQueue), workflow.FinishName, ended); err != nil {
		return err
	}
	_, err = o.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: o.workflow, UpdateName: workflow.OutcomeUpdate, UpdateID: workflow.OutcomeUpdateID,
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	return err
}
