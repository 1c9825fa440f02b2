package workflow

import (
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// Reset is a password reset, from the request to the notice.
var Reset = flow.Definition{
	Name:  "ResetPassword",
	Kind:  "reset",
	Table: statemachine.Reset,
	Steps: flow.Steps{
		statemachine.StateRequested:       flow.MailFirstLink,
		statemachine.StateAwaitingToken:   flow.AwaitToken,
		statemachine.StateTokenSubmitted:  flow.Apply,
		statemachine.StatePasswordChanged: flow.Notify,
	},
	Summary: flow.Summary,
}

// ResetPassword is one password reset of one account. It ends without an error however the reset
// ends; the outcome says how.
func ResetPassword(ctx workflow.Context, in flow.Request) (flow.Outcome, error) {
	return Reset.Run(ctx, in)
}

// Types are the names of all types of workflows and activities.
func Types() []string { return append([]string{Reset.Name, flow.FinishName}, flow.Activities()...) }

// Workflows are the workflow functions by their types, for a worker or a replay.
func Workflows() map[string]any {
	return map[string]any{Reset.Name: ResetPassword, flow.FinishName: flow.Finish}
}
