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
	"github.com/rekeyhq/rekey/workflow"
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
	run, err := o.newest(ctx)
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
		Namespace: client.DefaultNamespace, WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: o.workflow, RunId: run},
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
