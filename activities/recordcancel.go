package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
)

// The ways of a cancel, in the audit log.
const (
	byOwner    = "by the owner, with the link in the mail"
	byOperator = "by an operator"
	inTemporal = "in Temporal"
)

// RecordCancel notes the caller of a cancel. A client of Temporal can copy a signal for another
// run to this one; that counts as done there. An address of several accounts leaves a line without
// an account. An address of none leaves one only for an operator's deed.
func (a *Activities) RecordCancel(ctx context.Context, c flow.Cancellation) error {
	return withType(ctx, a.recordCancel(ctx, c))
}

func (a *Activities) recordCancel(ctx context.Context, c flow.Cancellation) error {
	if err := checkSender(ctx, c.Sender, c.Run); err != nil {
		return err
	}
	owner, why, err := a.owner(ctx, c.Address, func(account.Account) flow.Reason { return "" })
	if err != nil {
		return err
	}
	e := account.Entry{At: c.At.UTC(), Event: account.EventResetCanceled, Run: c.Run, AccountID: owner.ID, Detail: inTemporal}
	switch now := activity.GetInfo(ctx).WorkflowExecution.RunID; {
	case c.LinkRun == c.Run || c.LinkRun == now:
		e.Client, e.Detail = c.Client, byOwner
	case c.Operator != "" && (c.Meant == c.Run || c.Meant == now):
		e.Operator, e.Detail = c.Operator, byOperator
	}
	if why == flow.NoAccount && e.Operator == "" {
		return nil
	}
	return a.Store.Record(ctx, e)
}
