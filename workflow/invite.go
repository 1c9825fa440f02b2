package workflow

import (
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// Invite invites the owner of an account without a password to choose the first one. It takes the
// way of a reset. The differences are the mail, a reminder after a day, and an event when nobody
// followed the invitation.
var Invite = flow.Definition{
	Name:        "Invite",
	Kind:        "invitation",
	Table:       statemachine.Reset,
	Steps:       ResetPassword.Steps,
	Applied:     flow.HostPasswordSet,
	RemindAfter: 24 * time.Hour,
	TellsExpiry: true,
	Summary:     flow.InvitationSummary,
}
