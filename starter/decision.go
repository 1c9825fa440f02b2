package starter

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// errUndecided means that no worker settled the run in time.
var errUndecided = errors.New("the run is not settled yet")

// pendingWait is the activity ID of the wait that a submission would complete, ""
// when the run waits for none (any more). A run that Temporal no longer keeps has
// ended long ago.
func (c *Client) pendingWait(ctx context.Context, l *openLink) (string, error) {
	run, err := c.temporal.DescribeWorkflowExecution(ctx, l.workflowID, l.claims.RunID)
	if notFound(err) {
		return "", ErrLinkExpired
	}
	if err != nil {
		return "", c.fault(err)
	}
	for _, a := range run.GetPendingActivities() {
		if a.GetActivityType().GetName() == workflow.AwaitTokenSubmission {
			return a.GetActivityId(), nil
		}
	}
	return "", nil
}

// decision reads how the run was settled; errUndecided after five seconds. All
// callers share one update ID, so however often it is asked the run holds one
// update, and Temporal keeps its answer after the run has closed.
func (c *Client) decision(ctx context.Context, l *openLink) (workflow.Outcome, error) {
	wait, cancel := context.WithTimeout(ctx, decisionWait)
	defer cancel()
	var out workflow.Outcome
	update, err := c.temporal.UpdateWorkflow(wait, client.UpdateWorkflowOptions{
		UpdateID: workflow.OutcomeUpdateID, UpdateName: workflow.OutcomeUpdate,
		WorkflowID: l.workflowID, RunID: l.claims.RunID,
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err == nil {
		err = update.Get(wait, &out)
	}
	switch {
	case err == nil:
		return out, nil
	case notFound(err):
		return c.closedOutcome(ctx, l)
	case timedOut(err):
		return out, errUndecided
	default:
		return out, c.fault(err)
	}
}

// closedOutcome reads the outcome of a run that ended before anyone asked it.
func (c *Client) closedOutcome(ctx context.Context, l *openLink) (workflow.Outcome, error) {
	events := c.temporal.GetWorkflowHistory(ctx, l.workflowID, l.claims.RunID, false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT)
	if !events.HasNext() {
		return workflow.Outcome{}, ErrLinkExpired
	}
	last, err := events.Next()
	if notFound(err) {
		return workflow.Outcome{}, ErrLinkExpired
	}
	if err != nil {
		return workflow.Outcome{}, c.fault(err)
	}
	return c.outcomeOf(last)
}

// outcomeOf decodes a close event. A run that was canceled by no event of its own,
// that is terminated (by an operator, or by a workflow reset), counts as canceled.
func (c *Client) outcomeOf(last *historypb.HistoryEvent) (workflow.Outcome, error) {
	var out workflow.Outcome
	if done := last.GetWorkflowExecutionCompletedEventAttributes(); done != nil {
		return out, c.data.FromPayloads(done.GetResult(), &out)
	}
	if next := last.GetWorkflowExecutionContinuedAsNewEventAttributes(); next != nil {
		var in workflow.Request
		if err := c.data.FromPayloads(next.GetInput(), &in); err != nil || in.Previous == nil {
			return out, errors.Join(err, ErrLinkExpired)
		}
		return *in.Previous, nil
	}
	return workflow.Outcome{State: statemachine.StateCanceled}, nil
}
