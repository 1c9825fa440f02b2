package workflow

import (
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// ForceReset takes the password of an account away, and mails its owner a link to choose another.
// Afterwards it takes the way of a reset. An owner who misses the link can request a reset.
var ForceReset = flow.Definition{
	Name:  "ForceReset",
	Kind:  "forced-reset",
	Table: statemachine.ForcedReset,
	Steps: flow.Steps{
		statemachine.StateRequested:       blockPassword,
		statemachine.StatePasswordBlocked: flow.MailFirstLink,
		statemachine.StateAwaitingToken:   flow.AwaitToken,
		statemachine.StateTokenSubmitted:  flow.Apply,
		statemachine.StatePasswordChanged: flow.Notify,
	},
	Applied:     flow.HostPasswordChanged,
	Anew:        true, // the owner may have chosen a password since, which has to be blocked too
	TellsExpiry: true,
	Summary:     flow.ForcedResetSummary,
}

// BlockPassword is the activity type that begins a forced reset.
const BlockPassword = "block-password"

// blockPassword makes the password stop working. A run that continues another one mails a further
// link: the password is blocked since, or its owner has chosen another.
func blockPassword(ctx workflow.Context, r *flow.Run) (statemachine.Event, error) {
	if r.Request().Previous != nil {
		return statemachine.PasswordBlocked, nil
	}
	return r.Decide(ctx, BlockPassword)
}
