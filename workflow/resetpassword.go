package workflow

import (
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// ResetPassword is a password reset of one account, from the request to the notice.
var ResetPassword = flow.Definition{
	Name:  "ResetPassword",
	Kind:  "reset",
	Table: statemachine.Reset,
	Steps: flow.Steps{
		statemachine.StateRequested:       flow.MailFirstLink,
		statemachine.StateAwaitingToken:   flow.AwaitToken,
		statemachine.StateTokenSubmitted:  flow.Apply,
		statemachine.StatePasswordChanged: flow.Notify,
	},
	Applied: flow.HostPasswordChanged,
	Summary: flow.Summary,
}
