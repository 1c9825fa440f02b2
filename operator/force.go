package operator

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// ErrForced means that a forced reset of the account is open.
var ErrForced = errors.New("a forced reset of the account is open already: resend or cancel it by its workflow ID")

// Force makes the password of one account stop working and mails its owner a link to a new one. It
// waits some seconds for a worker, and returns the run as it is then. The reason is for the mail.
// Errors: ErrReadOnly, ErrOperator, ErrReason, ErrForced, account.ErrAddress.
func (c *Client) Force(ctx context.Context, o Order, reason string) (Run, error) {
	if err := c.mayWrite(o.Operator); err != nil {
		return Run{}, err
	}
	if !mailable(reason) {
		return Run{}, ErrReason
	}
	o.LinkLife = cmp.Or(o.LinkLife, DefaultForcedLinkLife)
	in, err := c.request(o)
	if err != nil {
		return Run{}, err
	}
	in.Flow, in.Note, in.Order, in.At = workflow.ForceReset.Mark(), reason, rand.Text(), time.Now().UTC()
	options := starter.StartOptions(workflow.ForceReset, in, c.queue)
	options.WorkflowIDConflictPolicy = enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL
	options.WorkflowExecutionErrorWhenAlreadyStarted = true
	run, err := c.temporal.ExecuteWorkflow(ctx, options, workflow.ForceReset.Name, in)
	if temporal.IsWorkflowExecutionAlreadyStartedError(err) {
		return Run{}, ErrForced
	}
	if err != nil {
		return Run{}, err
	}
	mailed := func(r Run) bool {
		return r.Settled() || r.State == string(statemachine.StateAwaitingToken)
	}
	return c.lookUntil(ctx, target{run.GetID(), run.GetRunID()}, mailed)
}

// mailable reports that a reason can stand in a mail.
func mailable(reason string) bool {
	return utf8.RuneCountInString(reason) <= maxReason && !strings.ContainsFunc(reason, unseen)
}
