package starter

import (
	"context"
	"errors"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// errUndecided means that no worker settled the run in time.
var errUndecided = errors.New("the run is not settled yet")

// pendingWait is the activity ID of the wait that a submission would complete, "" when the run has
// no wait (any more). A run that Temporal no longer keeps has ended long ago.
func (c *Client) pendingWait(ctx context.Context, l *openLink) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	run, err := c.temporal.DescribeWorkflowExecution(ctx, l.workflowID, l.claims.RunID)
	if notFound(err) {
		return "", ErrLinkExpired
	}
	if err != nil {
		return "", c.fault(err)
	}
	l.outside = fromOutside(run.GetWorkflowExecutionInfo().GetStatus())
	return waitOf(run), nil
}

// waitOf is the activity ID of the wait that a run lists, "" for none. Temporal still lists the
// activities that were open at the end of a run.
func waitOf(run *workflowservice.DescribeWorkflowExecutionResponse) string {
	if !flow.Open(run.GetWorkflowExecutionInfo().GetStatus()) {
		return ""
	}
	for _, a := range run.GetPendingActivities() {
		if a.GetActivityType().GetName() == flow.AwaitTokenSubmission {
			return a.GetActivityId()
		}
	}
	return ""
}

// decision reads how the run was settled; errUndecided after five seconds. All callers share one
// update ID, so the run holds one update for any number of calls. Temporal keeps its answer after
// the run has closed.
func (c *Client) decision(ctx context.Context, l *openLink) (flow.Outcome, error) {
	return c.decide(ctx, l, c.closedOutcome)
}

// decide queries a run, or reads its end when it has ended.
func (c *Client) decide(ctx context.Context, l *openLink, closed func(context.Context, *openLink) (flow.Outcome, error)) (flow.Outcome, error) {
	wait, cancel := context.WithTimeout(ctx, decisionWait)
	defer cancel()
	for {
		out, err := c.askOutcome(wait, l)
		switch {
		case err == nil:
			if l.outside && out.State == statemachine.StatePasswordChanged {
				c.follow(ctx, l)
			}
			return c.meant(ctx, l, out)
		case notFound(err), updateFailed(err):
			return closed(ctx, l)
		case notReady(err) && pause(wait):
		case notReady(err), timedOut(err):
			return out, errUndecided
		default:
			return out, c.fault(err)
		}
	}
}

func (c *Client) askOutcome(ctx context.Context, l *openLink) (out flow.Outcome, err error) {
	update, err := c.temporal.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		UpdateID: flow.OutcomeUpdateID, UpdateName: flow.OutcomeUpdate,
		WorkflowID: l.workflowID, RunID: l.claims.RunID,
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return out, err
	}
	return out, update.Get(ctx, &out)
}

// pause waits before the next query and reports whether there is time for one.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(50 * time.Millisecond):
		return true
	}
}

// closedOutcome reads the outcome of a run that ended before any query. A run that was ended from
// outside has none, and the store is queried.
func (c *Client) closedOutcome(ctx context.Context, l *openLink) (flow.Outcome, error) {
	last, err := c.lastEvent(ctx, l)
	if err != nil {
		return flow.Outcome{}, err
	}
	out, err := c.outcomeOf(ctx, l, last)
	if errors.Is(err, errUndecided) {
		return c.ended(ctx, l)
	}
	return out, err
}

func (c *Client) lastEvent(ctx context.Context, l *openLink) (*historypb.HistoryEvent, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	events := c.temporal.GetWorkflowHistory(ctx, l.workflowID, l.claims.RunID, false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT)
	if !events.HasNext() {
		return nil, ErrLinkExpired
	}
	last, err := events.Next()
	if notFound(err) {
		return nil, ErrLinkExpired
	}
	return last, c.fault(err)
}

// outcomeOf decodes the last event of a run; errUndecided when that is none of its own steps.
func (c *Client) outcomeOf(ctx context.Context, l *openLink, last *historypb.HistoryEvent) (out flow.Outcome, err error) {
	switch last.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		err = c.fault(c.data.FromPayloads(last.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &out))
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		out, err = c.previous(last.GetWorkflowExecutionContinuedAsNewEventAttributes())
	default:
		err = errUndecided
	}
	if err != nil {
		return flow.Outcome{}, err
	}
	return c.meant(ctx, l, out)
}

// previous is the outcome that a run handed on to the one that continues it.
func (c *Client) previous(next *historypb.WorkflowExecutionContinuedAsNewEventAttributes) (flow.Outcome, error) {
	var in flow.Request
	err := c.data.FromPayloads(next.GetInput(), &in)
	if err == nil && in.Previous == nil {
		err = errors.New("a run was continued without its outcome")
	}
	if err != nil {
		return flow.Outcome{}, c.fault(err)
	}
	return *in.Previous, nil
}
