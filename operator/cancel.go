package operator

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
)

// Results of a cancel.
const (
	Canceled    = "canceled"
	AlreadyOver = "already_over" // nothing was left to cancel
	Asked       = "asked"        // accepted durably; a worker or the mail server is awaited
	TooLate     = "too_late"     // the password is being changed, or was
)

// Cancellation is the result of a cancel.
type Cancellation struct {
	Result string `json:"result"` // Canceled, AlreadyOver, Asked or TooLate
	Named  bool   `json:"named"`  // whether the audit log will have the operator's name
	Run    Run    `json:"run"`
	// Next is the run that answers requests made meanwhile.
	Next string `json:"next_run_id,omitempty"`
}

// Cancel cancels a run, so that its links stop working, and waits some seconds for a worker to do
// it. The text is a run ID, a workflow ID, or the mail address of an account with one open run. The
// operator's name goes into the audit log. Errors: ErrReadOnly, ErrTarget, ErrSeveral, ErrNoRun,
// account.ErrAddress, ErrOperator.
func (c *Client) Cancel(ctx context.Context, text, operator string) (Cancellation, error) {
	if err := c.mayWrite(operator); err != nil {
		return Cancellation{}, err
	}
	r, err := c.named(ctx, text)
	switch {
	case err != nil:
		return Cancellation{}, err
	case r.Settled():
		return settled(r), nil
	}
	named, err := c.sendCancel(ctx, r, operator)
	if err != nil {
		return Cancellation{}, err
	}
	if r, err = c.lookUntil(ctx, target{r.WorkflowID, r.RunID}, Run.Settled); err != nil {
		return Cancellation{}, err
	}
	done := Cancellation{Result: Asked, Run: r, Named: named}
	switch {
	case r.State == string(statemachine.StateCanceled):
		done.Result = Canceled
	case r.Settled():
		done = settled(r)
	case !r.story.cancelable():
		done.Result = TooLate
	}
	done.Next, err = c.next(ctx, r)
	return done, err
}

// sendCancel reports whether the audit log will have the operator's name. A run that was filled
// with signals takes Temporal's own cancellation only, which carries none.
func (c *Client) sendCancel(ctx context.Context, r Run, operator string) (named bool, err error) {
	caller := flow.Caller{AccountKey: flow.AccountKey(r.WorkflowID), Operator: operator, Run: r.RunID}
	err = c.temporal.SignalWorkflow(ctx, r.WorkflowID, r.RunID, flow.DisownSignal, caller)
	if named = err == nil; starter.SignalsFull(err) {
		err = c.temporal.CancelWorkflow(ctx, r.WorkflowID, r.RunID)
	}
	if errors.As(err, new(*serviceerror.NotFound)) { // it has ended meanwhile
		return false, nil
	}
	return named, err
}

// settled is the answer for a run that a cancel does not change.
func settled(r Run) Cancellation {
	if r.Changed() {
		return Cancellation{Result: TooLate, Run: r}
	}
	return Cancellation{Result: AlreadyOver, Run: r}
}

// next is the run of the workflow ID that is open beside one.
func (c *Client) next(ctx context.Context, r Run) (string, error) {
	newest, err := c.find(ctx, target{workflowID: r.WorkflowID})
	if err != nil || newest.RunID == r.RunID || !newest.Open {
		return "", err
	}
	return newest.RunID, nil
}
