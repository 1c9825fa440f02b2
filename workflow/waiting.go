package workflow

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// WaitsAfter is how long a mail or a change is tried until its run says that it is kept
// waiting. The activity tells the run once, in a sealed result: a timer would be an Action of
// every reset, also of those that wait for nothing.
const WaitsAfter = 2 * time.Minute

// saysWaiting reports that this run shows what it is kept waiting for. What a build before 0.3
// led through such an answer does not.
func saysWaiting(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "run-says-what-it-waits-for", workflow.DefaultVersion, 1) == 1
}

// waitFor shows operators what the run is kept waiting for.
func (r *run) waitFor(ctx workflow.Context, what statemachine.State) {
	if what != WaitingForMail && what != WaitingForStore {
		what = WaitingForStore
	}
	r.kept = what
	r.attribute(ctx, what)
}

// waited takes that back, unless the run is over and says how.
func (r *run) waited(ctx workflow.Context) {
	if r.kept != "" && !r.machine.Final() {
		r.attribute(ctx, statemachine.StateRequested)
	}
	r.kept = ""
}

// mailKeptWaiting reports that an answer says so of the link mail that is on its way.
func (r *run) mailKeptWaiting(ctx workflow.Context, d Delivery) bool {
	if d.Waits == "" || d.Of != r.sending.Name() || !r.sending.Waits || !saysWaiting(ctx) {
		return false
	}
	r.waitFor(ctx, d.Waits)
	r.sending.Waits, r.pause = false, d.Pause
	return true
}

// patiently is mailing for a mail that was kept waiting: it was tried some times already.
func patiently(ctx workflow.Context) workflow.Context {
	return workflow.WithRetryPolicy(ctx, temporal.RetryPolicy{
		InitialInterval: WaitsAfter, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute,
	})
}
