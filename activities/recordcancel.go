package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/workflow"
)

// How a reset was canceled, in the audit log.
const (
	byOwner    = "by the owner, with the link in the mail"
	inTemporal = "in Temporal"
)

// RecordCancel notes who called a reset off. The signal of another run's owner, which
// somebody with access to Temporal copied to this one, counts as done there. An address
// that nobody has, or several, leaves a line without an account.
func (a *Activities) RecordCancel(ctx context.Context, c workflow.Cancellation) error {
	owner, _, err := a.resettable(ctx, c.Address)
	if err != nil {
		return err
	}
	e := account.Entry{At: c.At.UTC(), Event: account.EventResetCanceled, Run: c.Run, AccountID: owner.ID, Detail: inTemporal}
	if c.Link == c.Run || c.Link == activity.GetInfo(ctx).WorkflowExecution.RunID {
		e.Client, e.Detail = c.Client, byOwner
	}
	return a.Store.Record(ctx, e)
}
