package workflow

import (
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// What a run counts goes through the SDK's handler, which leaves nothing in the history and
// counts nothing again when the run is rebuilt from it. A workflow task that is done over (its
// worker was killed, a signal came at the close) counts again: this is not for accounting.

// count counts a transition by its event and the state that it led to.
func (r *run) count(ctx workflow.Context, event string) {
	labels := map[string]string{"event": event, "state": string(r.machine.State())}
	workflow.GetMetricsHandler(ctx).WithTags(labels).Counter("rekey_transitions").Inc(1)
}

// countRedeemed measures from the last mail that a mail server took to the submission. A
// link that was used before the run heard of its mail is not counted.
func (r *run) countRedeemed(ctx workflow.Context) {
	if r.verdict.Event == statemachine.PasswordChanged && !r.expires.IsZero() {
		workflow.GetMetricsHandler(ctx).Timer("rekey_time_to_redeem").Record(r.submittedAt.Sub(r.mailedAt))
	}
}
