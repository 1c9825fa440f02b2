package activities

import (
	"context"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/workflow"
)

// How a reset was canceled, in the audit log.
const (
	byOwner    = "by the owner, with the link in the mail"
	inTemporal = "in Temporal"
)

// RecordCancel notes who called a reset off. An address that nobody has, or several,
// leaves a line without an account.
func (a *Activities) RecordCancel(ctx context.Context, c workflow.Cancellation) error {
	owner, _, err := a.resettable(ctx, c.Address)
	if err != nil {
		return err
	}
	how := inTemporal
	if c.Owner {
		how = byOwner
	}
	return a.Store.Record(ctx, account.Entry{
		At: c.At.UTC(), Event: account.EventResetCanceled, Run: c.Run,
		AccountID: owner.ID, Client: c.Client, Detail: how,
	})
}
