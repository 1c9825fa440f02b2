package starter

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rekeyhq/rekey/flow"
)

// fromOutside reports that a run did not end by its own steps: an operator, a workflow reset or a
// failure ended it.
func fromOutside(s enumspb.WorkflowExecutionStatus) bool {
	return !flow.Open(s) && s != enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED &&
		s != enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW
}

// ended returns the outcome of a run that ended from outside. Its history does not have it,
// because a change in progress went on. Another run may go on with it. Without one, a worker
// queries the store and closes the run there. That is final, so later callers read it and the
// store is queried once. Without a worker the result is ErrUnavailable.
func (c *Client) ended(ctx context.Context, l *openLink) (flow.Outcome, error) {
	next, err := c.successor(ctx, l)
	switch {
	case err != nil:
		return flow.Outcome{}, err
	case next != nil:
		return c.goneOn(ctx, next)
	}
	if out, err := c.finished(ctx, following(l)); err == nil {
		return out, nil
	}
	if err := c.finish(ctx, l); err != nil {
		return flow.Outcome{}, c.fault(err)
	}
	out, err := c.decide(ctx, following(l), c.finished)
	if errors.Is(err, errUndecided) {
		err = fmt.Errorf("%w: a run ended from outside, and its result is not known yet", ErrUnavailable)
	}
	return out, err
}

// following is a link as if it were of the run that follows its run.
func following(l *openLink) *openLink {
	return &openLink{workflowID: flow.FinishID(l.claims.RunID), ended: l.claims.RunID}
}

// follow starts FinishReset for a run that ended from outside and whose answer Temporal keeps. So
// the owner is notified soon. After a failure a worker does it, which looks for owed notices.
func (c *Client) follow(ctx context.Context, l *openLink) {
	if next, err := c.successor(ctx, l); err != nil || next != nil {
		return
	}
	if _, err := c.finished(ctx, following(l)); err != nil {
		_ = c.finish(ctx, l)
	}
}

func (c *Client) finish(ctx context.Context, l *openLink) error {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	run := l.claims.RunID
	_, err := c.temporal.ExecuteWorkflow(ctx, flow.FinishOptions(run, c.cfg.TaskQueue), flow.FinishName, flow.Ending{Workflow: l.workflowID, Run: run})
	return err
}

// finished is the outcome of the FinishReset of a run, when that has ended already.
func (c *Client) finished(ctx context.Context, l *openLink) (flow.Outcome, error) {
	last, err := c.lastEvent(ctx, l)
	if errors.Is(err, ErrLinkExpired) {
		return flow.Outcome{}, errUndecided
	}
	if err != nil {
		return flow.Outcome{}, err
	}
	out, err := c.outcomeOf(ctx, l, last)
	if errors.Is(err, errForeign) {
		err = errUndecided // another run's
	}
	return out, err
}

// goneOn is the outcome of the run that goes on with another. While it waits for a link of its
// own, it has none.
func (c *Client) goneOn(ctx context.Context, next *openLink) (flow.Outcome, error) {
	wait, err := c.pendingWait(ctx, next)
	if err != nil {
		return flow.Outcome{}, err
	}
	if wait != "" {
		return flow.Outcome{}, ErrLinkRestarted
	}
	return c.decision(ctx, next)
}

// successor is the link as if it were of the open run that goes on with its own, which ended from
// outside. It is nil when there is none. Errors: errUndecided when its own did not end so.
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
	switch {
	case !fromOutside(own.GetStatus()):
		return nil, errUndecided
	case !flow.GoesOn(own, now):
		return nil, nil //nolint:nilnil // none is no error
	}
	next := *l
	next.claims.RunID = now.GetExecution().GetRunId()
	return &next, nil
}
