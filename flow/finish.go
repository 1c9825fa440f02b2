package flow

import (
	"cmp"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// lastTry is how long a notice is tried again at least after its day is over.
const lastTry = time.Hour

const finishPrefix = "finish/"

// FinishID is the workflow ID of the run that follows the end of a run: there is only one.
func FinishID(run string) string { return finishPrefix + run }

// FinishOptions are the options of [Finish] for a run, one at a time. A later one asks the
// store again, which may know more after a workflow reset.
func FinishOptions(run, queue string) client.StartWorkflowOptions {
	return client.StartWorkflowOptions{
		ID:                       FinishID(run),
		TaskQueue:                queue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            FinishSummary,
	}
}

// Ending asks the store about a run that did not end by its own steps: an operator terminated it,
// or it failed.
type Ending struct {
	Workflow string // workflow ID of the run
	Run      string // its run ID
}

// Ended is the store's answer to an [Ending], of which it names the run.
type Ended struct {
	Of     string // Run of the Ending
	GoesOn bool   `json:",omitempty"` // the run is open, or another one goes on with it

	// The change that was applied for the run. All are empty when none was, and none will be.
	Run        string    `json:",omitempty"` // original run ID
	Submission string    `json:",omitempty"`
	Account    string    `json:",omitempty"`
	Changed    time.Time `json:",omitzero"`
	Owed       bool      `json:",omitempty"` // the notice has not reached all addresses
	Since      time.Time `json:",omitzero"`  // of the first attempt
	Tells      bool      `json:",omitempty"` // the worker tells the application events
	First      bool      `json:",omitempty"` // it was the first password of the account

	// Event is [Definition.Applied] of a flow that is none of rekey's.
	Event HostEventType `json:",omitempty"`
}

func (e Ended) outcome() Outcome {
	if e.Submission == "" {
		return Outcome{State: statemachine.StateCanceled, Ended: true, Run: e.Of}
	}
	return Outcome{State: statemachine.StatePasswordChanged, Accepted: e.Submission, Run: e.Of}
}

// Finish follows a run that ended from outside. It makes the run over in the store, and
// answers the outcome update with the store's verdict. When the run changed the password and its
// notice has not reached all addresses, it goes on with the notice. It fails when the run goes on.
func Finish(ctx workflow.Context, in Ending) (Outcome, error) {
	if FinishID(in.Run) != workflow.GetInfo(ctx).WorkflowExecution.ID {
		return Outcome{}, temporal.NewNonRetryableApplicationError("the input belongs to another workflow ID", "foreign_input", nil)
	}
	detached, _ := workflow.NewDisconnectedContext(ctx)
	var ended Ended
	err := workflow.SetUpdateHandler(ctx, OutcomeUpdate, func(ctx workflow.Context) (Outcome, error) {
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		err := workflow.Await(ctx, func() bool { return ended.Of != "" })
		return ended.outcome(), err
	})
	if err != nil {
		return Outcome{}, err
	}
	known, err := end(detached, in)
	if err != nil {
		return Outcome{}, err
	}
	ended = known
	workflow.SetCurrentDetails(detached, ended.details())
	events := ended.tell(detached)
	if ended.Owed {
		ended.deliver(detached, events)
	}
	finished := func() bool { return workflow.AllHandlersFinished(detached) && events.done() }
	return ended.outcome(), workflow.Await(detached, finished)
}

// end asks until a result names the run: every client of the namespace can complete an activity.
func end(ctx workflow.Context, in Ending) (Ended, error) {
	for {
		var e Ended
		err := workflow.ExecuteActivity(endOptions(ctx), EndReset, in).Get(ctx, &e)
		switch authentic := err == nil && e.Of == in.Run; {
		case authentic && e.GoesOn:
			return e, temporal.NewNonRetryableApplicationError("the run goes on", "run_goes_on", nil)
		case authentic:
			return e, nil
		}
		if err := workflow.Sleep(ctx, retryPause); err != nil {
			return e, err
		}
	}
}

// tell tells the application of the change. The run may have done that: it is the same event then.
func (e Ended) tell(ctx workflow.Context) *teller {
	events := &teller{}
	if e.Submission != "" && tellsHost(ctx, e.Tells) {
		what := HostPasswordChanged
		if e.First {
			what = HostPasswordSet
		}
		events.tell(ctx, HostEvent{
			Type: cmp.Or(e.Event, what), Run: e.Run, Submission: e.Submission, Account: e.Account, At: e.Changed,
		})
	}
	return events
}

// deliver goes on with the notice for the rest of its day, or for a day when it was not tried yet.
func (e Ended) deliver(ctx workflow.Context, events *teller) {
	notice := Notice{Run: e.Run, Account: e.Account, Changed: e.Changed, Submission: e.Submission}
	now := workflow.Now(ctx)
	until := now.Add(NoticeDay)
	if !e.Since.IsZero() && e.Since.Before(now) {
		until = now.Add(max(e.Since.Add(NoticeDay).Sub(now), lastTry))
	}
	for {
		d := deliver(ctx, notice, until)
		if d.Withheld == "" && len(d.Left) == 0 {
			return
		}
		if d.Withheld == "" {
			notice.To = d.Left // further attempts end when the notice has reached all of them
			continue
		}
		if d = giveUp(ctx, notice); d.Notice != "" && len(d.Left) == 0 {
			workflow.SetCurrentDetails(ctx, e.details()+"\n\n**The notice was given up.**")
			events.tellUntold(ctx, notice, d)
			return
		}
		until = workflow.Now(ctx).Add(lastTry)
	}
}

func (e Ended) details() string {
	switch {
	case e.Submission == "":
		return "The run " + e.Of + " ended from outside. The password was not changed."
	case e.Owed:
		return "The run " + e.Of + " ended from outside after the password was changed. This run sends the notice."
	default:
		return "The run " + e.Of + " ended from outside after the password was changed. No notice is pending."
	}
}
