package starter

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rekeyhq/rekey/workflow"
)

// fromOutside reports that something else ended a run than its own steps: an operator, a
// workflow reset or a failure.
func fromOutside(last enumspb.EventType) bool {
	switch last {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		return true
	default:
		return false
	}
}

// ended finds out what a run did that ended from outside. Its history does not tell: a change
// that had begun went on. Another run may go on with it; if none does, a worker asks the
// store and ends what the run left. That is final, so a later question reads it and the store
// is asked once. Without a worker nothing is known: ErrUnavailable.
func (c *Client) ended(ctx context.Context, l *openLink) (workflow.Outcome, error) {
	next, err := c.successor(ctx, l)
	switch {
	case err != nil:
		return workflow.Outcome{}, err
	case next != nil:
		return c.goneOn(ctx, next)
	}
	follows := &openLink{workflowID: workflow.FinishID(l.claims.RunID)}
	if out, err := c.finished(ctx, follows); err == nil {
		return out, nil
	}
	if err := c.finish(ctx, l); err != nil {
		return workflow.Outcome{}, c.fault(err)
	}
	out, err := c.decide(ctx, follows, c.finished)
	if errors.Is(err, errUndecided) {
		err = fmt.Errorf("%w: nobody says yet what a run did that ended from outside", ErrUnavailable)
	}
	return out, err
}

func (c *Client) finish(ctx context.Context, l *openLink) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	run := l.claims.RunID
	_, err := c.temporal.ExecuteWorkflow(ctx, workflow.FinishOptions(run, c.cfg.TaskQueue), workflow.FinishName, workflow.Ending{Workflow: l.workflowID, Run: run})
	return err
}

// finished is the outcome of what follows a run, when that has ended already.
func (c *Client) finished(ctx context.Context, l *openLink) (workflow.Outcome, error) {
	last, err := c.lastEvent(ctx, l)
	if errors.Is(err, ErrLinkExpired) || err == nil && fromOutside(last.GetEventType()) {
		return workflow.Outcome{}, errUndecided
	}
	if err != nil {
		return workflow.Outcome{}, err
	}
	out, err := c.outcomeOf(last)
	if err == nil && out.State == "" {
		err = errUndecided // it ended without an outcome of ours
	}
	return out, err
}

// goneOn is what the run says that goes on with another. While it waits for a link of its
// own, it says nothing.
func (c *Client) goneOn(ctx context.Context, next *openLink) (workflow.Outcome, error) {
	wait, err := c.pendingWait(ctx, next)
	if err != nil {
		return workflow.Outcome{}, err
	}
	if wait != "" {
		return workflow.Outcome{}, ErrLinkRestarted
	}
	return c.decision(ctx, next)
}

// successor is the link as if it were of the open run that goes on with its own, which ended
// from outside; nil when there is none. The two have the first run in common.
func (c *Client) successor(ctx context.Context, l *openLink) (*openLink, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	described, err := c.temporal.DescribeWorkflowExecution(ctx, l.workflowID, l.claims.RunID)
	if notFound(err) {
		return nil, ErrLinkExpired
	}
	if err != nil {
		return nil, c.fault(err)
	}
	newest, err := c.temporal.DescribeWorkflowExecution(ctx, l.workflowID, "")
	if err != nil {
		return nil, c.fault(err)
	}
	own, now := described.GetWorkflowExecutionInfo(), newest.GetWorkflowExecutionInfo()
	if !endedFromOutside(own.GetStatus()) || now.GetCloseTime() != nil || now.GetFirstRunId() != own.GetFirstRunId() {
		return nil, nil //nolint:nilnil // none is no error
	}
	next := *l
	next.claims.RunID = now.GetExecution().GetRunId()
	return &next, nil
}

func endedFromOutside(status enumspb.WorkflowExecutionStatus) bool {
	switch status {
	case enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, enumspb.WORKFLOW_EXECUTION_STATUS_CANCELED,
		enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, enumspb.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:
		return true
	case enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED,
		enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW,
		enumspb.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED:
	}
	return false
}
