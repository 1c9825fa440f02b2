package flow

import (
	"cmp"

	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// fire moves the machine. An event that the table forbids is a bug of this package. The panic
// fails the workflow task, and the run waits for a fixed worker. An error would end the run and
// could lose an accepted submission.
func (r *Run) fire(ctx workflow.Context, event statemachine.Event) {
	if err := r.machine.Fire(event); err != nil {
		panic(err)
	}
	r.show(ctx, string(event))
	r.endWaiting(ctx)
	if r.machine.Final() {
		r.showState(ctx)
	}
}

// end closes the run when no notice and no event is pending. A new run under the same workflow ID
// answers a late request at once, and takes over what is pending. The server closes no run that has
// unread signals, so none is lost.
func (r *Run) end(ctx workflow.Context) (Outcome, error) {
	finished := func() bool { return workflow.AllHandlersFinished(ctx) }
	if err := workflow.Await(ctx, finished); err != nil {
		return Outcome{}, err
	}
	switch state := r.machine.State(); {
	case state == statemachine.StateCanceled:
		r.recordCancel(ctx)
		r.tell(ctx, HostCanceled.of(r.flow), workflow.Now(ctx), "")
	case state == statemachine.StateExpired && r.flow.TellsExpiry:
		r.tell(ctx, HostExpired.of(r.flow), workflow.Now(ctx), "")
	}
	outcome := r.outcome()
	for {
		r.takeBounces(ctx)
		if caller, asked := r.lateRequest(); asked {
			if err := workflow.Await(ctx, func() bool { return r.noting == 0 }); err != nil {
				return Outcome{}, err
			}
			return outcome, r.continueAsNew(ctx, caller, &outcome)
		}
		if r.told() {
			return outcome, nil
		}
		changed := func() bool { return r.requests.Len() > 0 || r.bounces.Len() > 0 || r.told() }
		if err := workflow.Await(ctx, changed); err != nil {
			return Outcome{}, err
		}
	}
}

// told reports that no notice, no event and no record is pending.
func (r *Run) told() bool {
	return len(r.pendingNotices()) == 0 && r.events.done() && r.noting == 0
}

// continueAsNew is the error that begins the next run, for a late request.
func (r *Run) continueAsNew(ctx workflow.Context, by Caller, outcome *Outcome) error {
	next := r.in
	next.Client, next.Operator, next.Previous = by.Client, by.Operator, outcome
	next.Locale, next.Asked = cmp.Or(by.Locale, r.sending.Locale, r.in.Locale), by.Asked
	next.Owed, next.Events = r.pendingNotices(), r.events.pending(workflow.Now(ctx))
	return workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{
		InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade,
	}, r.flow.Name, next)
}
