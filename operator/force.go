package operator

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// Force makes the password of one account stop working and mails its owner a link to a new one. It
// waits some seconds for a worker, and returns the run as it is then. It ends an open forced reset of
// the account, whose owner may have chosen a password since. The reason is for the mail. Errors:
// ErrReadOnly, ErrOperator, ErrReason, account.ErrAddress.
func (c *Client) Force(ctx context.Context, o Order, reason string) (Run, error) {
	if err := c.mayWrite(o.Operator); err != nil {
		return Run{}, err
	}
	if !account.IsLine(reason, maxReason) {
		return Run{}, ErrReason
	}
	o.LinkLife = cmp.Or(o.LinkLife, DefaultForcedLinkLife)
	in, err := c.request(o)
	if err != nil {
		return Run{}, err
	}
	in.Flow, in.Note, in.Order, in.At = workflow.ForceReset.Mark(), reason, rand.Text(), time.Now().UTC()
	options := starter.StartOptions(workflow.ForceReset, in, c.queue)
	run, err := c.temporal.ExecuteWorkflow(ctx, options, workflow.ForceReset.Name, in)
	if err != nil {
		return Run{}, err
	}
	mailed := func(r Run) bool {
		return r.Settled() || r.State == string(statemachine.StateAwaitingToken)
	}
	return c.lookUntil(ctx, target{run.GetID(), run.GetRunID()}, mailed)
}
