package workflow_test

import (
	"testing"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

// A replay does not compare these names. A starter or a query of one release meets runs and
// workers of another, so they never change.
func TestNamesAreFrozen(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"RekeyState":      flow.StateAttribute.GetName(),
		"rekey":           flow.TaskQueue,
		"rekey-mail":      flow.MailQueue,
		"outcome":         flow.OutcomeUpdateID,
		"reset/a":         workflow.ResetPassword.ID("a"),
		"force-all/rekey": workflow.ForceAllID(flow.TaskQueue),
		"ForceAll":        workflow.ForceAllName,
	} {
		diff(t, "name", got, want)
	}
}
