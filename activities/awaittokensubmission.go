package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/flow"
)

// AwaitTokenSubmission stays open until a starter completes it with the submission of a link.
// Temporal accepts one completion. So all links of a run are together good for one password
// change. It needs no worker while it waits.
func (a *Activities) AwaitTokenSubmission(context.Context) (flow.Submission, error) {
	return flow.Submission{}, activity.ErrResultPending
}
