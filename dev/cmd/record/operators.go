package main

import (
	"context"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

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

// pausedRun is paused when its link is out, and goes on before that is used.
func pausedRun(ctx context.Context, o *owner) error {
	token, run, err := o.linked(ctx)
	if err != nil {
		return err
	}
	_, err = o.temporal.WorkflowService().PauseWorkflowExecution(ctx, &workflowservice.PauseWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowId: o.workflow, RunId: run, Identity: identity, Reason: "a story", RequestId: "pause",
	})
	if err != nil {
		return err
	}
	_, err = o.temporal.WorkflowService().UnpauseWorkflowExecution(ctx, &workflowservice.UnpauseWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, WorkflowId: o.workflow, RunId: run, Identity: identity, Reason: "a story", RequestId: "go on",
	})
	if err != nil {
		return err
	}
	return o.submit(ctx, token, newPassword, "")
}

// terminated ends the run between its change and its notice, and goes on to what follows it,
// which is what is recorded. It is begun, and asked for the outcome, as the starter does.
func terminated(ctx context.Context, o *owner) error {
	token, run, err := o.linked(ctx)
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
	ended := workflow.Ending{Workflow: o.workflow, Run: run}
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

// linked is the first link of a run, and the run ID.
func (o *owner) linked(ctx context.Context) (token, run string, err error) {
	if token, err = o.first(ctx); err != nil {
		return "", "", err
	}
	run, err = o.newest(ctx)
	return token, run, err
}

// newest is the run ID of the newest run.
func (o *owner) newest(ctx context.Context) (string, error) {
	run, err := o.temporal.DescribeWorkflowExecution(ctx, o.workflow, "")
	return run.GetWorkflowExecutionInfo().GetExecution().GetRunId(), err
}
