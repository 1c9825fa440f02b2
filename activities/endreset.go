package activities

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
)

// EndReset makes a run over that ended from outside, and returns its change. It asks Temporal
// first whether the run has ended: every client of Temporal can name any run.
func (a *Activities) EndReset(ctx context.Context, in flow.Ending) (flow.Ended, error) {
	e := flow.Ended{Of: in.Run}
	original, err := ended(ctx, activity.GetClient(ctx), in)
	if errors.Is(err, errGoesOn) {
		e.GoesOn = true
		return e, nil
	}
	if err != nil {
		return e, err
	}
	n, err := a.end(ctx, original, in.Run)
	if errors.Is(err, account.ErrNotFound) {
		return e, nil
	}
	if err != nil {
		return e, withType(ctx, err)
	}
	e.Run, e.Submission, e.Account, e.Changed = n.Run, n.Submission, n.AccountID, n.Changed
	e.Owed, e.Since, e.Tells, e.First = !n.Settled(), n.Since, a.Receiver != nil, n.First
	if f, ok := a.further(in.Workflow); ok {
		e.Event, e.Tells = f.Applied, e.Tells && f.Applied != ""
	}
	return e, nil
}

// end ends a run in the store. A run that Temporal no longer keeps may have a successor, so its
// notice is read and nothing is ended.
func (a *Activities) end(ctx context.Context, original, run string) (account.Notice, error) {
	if original == "" {
		return a.Store.Notice(ctx, run, "")
	}
	return a.Store.End(ctx, original, a.Now().UTC())
}

var errGoesOn = errors.New("the run goes on")

// ended returns the original run ID of a run that has ended, "" when Temporal no longer
// keeps it. Errors: errGoesOn.
func ended(ctx context.Context, temporal client.Client, in flow.Ending) (original string, err error) {
	goesOn, err := GoesOn(ctx, temporal, in.Workflow, in.Run)
	switch {
	case errors.As(err, new(*serviceerror.NotFound)):
		return "", nil
	case err != nil:
		return "", err
	case goesOn:
		return "", errGoesOn
	}
	events := temporal.GetWorkflowHistory(ctx, in.Workflow, in.Run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := events.Next()
	if err != nil {
		return "", err
	}
	return first.GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId(), nil
}

// GoesOn is [flow.GoesOn] for a run in Temporal. Errors: *serviceerror.NotFound when Temporal
// does not keep it.
func GoesOn(ctx context.Context, temporal client.Client, workflowID, run string) (bool, error) {
	if workflowID == "" {
		return false, serviceerror.NewNotFound("the workflow ID is not known")
	}
	asked, err := temporal.DescribeWorkflowExecution(ctx, workflowID, run)
	if err != nil {
		return false, err
	}
	now, err := temporal.DescribeWorkflowExecution(ctx, workflowID, "")
	if err != nil {
		return false, err
	}
	return flow.GoesOn(asked.GetWorkflowExecutionInfo(), now.GetWorkflowExecutionInfo()), nil
}
