package activities

import (
	"context"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/workflow"
)

// AwaitTokenSubmission stays open until a starter completes it with the submission of
// a link. Temporal accepts one completion, and that is what makes all links of a run
// good for one password change together. It needs no worker while it waits.
func (a *Activities) AwaitTokenSubmission(context.Context) (workflow.Submission, error) {
	return workflow.Submission{}, activity.ErrResultPending
}
