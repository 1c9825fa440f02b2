package flow

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// Definition is a flow as a value: what happens between the request for a link and the end.
// Everything else is the same for all flows. A released Name or Kind does not change, since
// Temporal has both in its histories.
type Definition struct {
	// Name is the workflow type.
	Name string
	// Kind names the flow in workflow IDs, links, events and metrics. It has small letters and
	// hyphens only, as in "verify-email".
	Kind string
	// Table has the events that each state allows.
	Table statemachine.Table[statemachine.State, statemachine.Event]
	// Steps has the work of each state that is not final.
	Steps Steps
	// Summary is the text of each run in lists of Temporal's UI.
	Summary string
	// RemindAfter is how long after the first mail a second one goes out, if no link was used. Zero
	// reminds of nothing.
	RemindAfter time.Duration
	// Applied is the event that tells the application of an applied submission, see [HostEvent].
	// Empty tells none.
	Applied HostEventType
	// Anew means that another demand ends an open run and starts the flow again, in place of a
	// request for another mail. The starter does it, so no run depends on it.
	Anew bool
	// TellsExpiry tells the application of a run that expired, see [HostEvent].
	TellsExpiry bool
}

// Steps are the steps of a flow, by their states.
type Steps map[statemachine.State]Step

// Step does the work of a state and returns the event that ended it. [Definition.Table] has the
// state that follows. A step is workflow code. An error ends the run without an outcome.
type Step func(ctx workflow.Context, r *Run) (statemachine.Event, error)

// ID is the workflow ID of an account's run. The account key is a keyed hash of the address, so
// the ID holds nothing personal. By the ID, Temporal keeps an account to one open run of a flow.
func (d Definition) ID(accountKey string) string { return d.Kind + "/" + accountKey }

// Owns reports whether [Definition.ID] made a workflow ID.
func (d Definition) Owns(workflowID string) bool { return d.ID(AccountKey(workflowID)) == workflowID }

// Mark is how values on the wire name the flow. A reset, the only flow of the first releases, has no
// name there.
func (d Definition) Mark() string {
	if d.Kind == ofReset {
		return ""
	}
	return d.Kind
}

const ofReset = "reset"

var kindForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// Check returns an error when a state of the table has no step and is not final, or has one and is.
// The starter and operators know four final states. The first one of all must be requested.
func (d Definition) Check() error {
	switch {
	case d.Name == "" || !kindForm.MatchString(d.Kind):
		return fmt.Errorf("flow %q: want a name, and a kind such as verify-email, not %q", d.Name, d.Kind)
	case len(d.Table) == 0 || d.Table.Initial() != statemachine.StateRequested:
		return fmt.Errorf("flow %s: want a table whose first state is %s", d.Name, statemachine.StateRequested)
	}
	for _, s := range d.Table.States() {
		if _, ok := d.Steps[s]; ok == d.Table.Final(s) {
			return fmt.Errorf("flow %s: each state needs a step, unless it is final: %s", d.Name, s)
		}
		if d.Table.Final(s) && !slices.Contains(finals, s) {
			return fmt.Errorf("flow %s: a final state is one of %v, not %s", d.Name, finals, s)
		}
	}
	return nil
}

var finals = []statemachine.State{
	statemachine.StateCompleted, statemachine.StateExpired, statemachine.StateCanceled, statemachine.StateRefused,
}

// Run does the steps of one run until its state is final. It ends without an error however the run
// ends; the outcome says how.
func (d Definition) Run(ctx workflow.Context, in Request) (Outcome, error) {
	if d.ID(in.AccountKey) != workflow.GetInfo(ctx).WorkflowExecution.ID || in.Flow != d.Mark() {
		return Outcome{}, temporal.NewNonRetryableApplicationError("the input belongs to another workflow ID", "foreign_input", nil)
	}
	r, detached := begin(ctx, d, in)
	if err := workflow.SetUpdateHandler(ctx, OutcomeUpdate, r.whenSettled); err != nil {
		return Outcome{}, err
	}
	r.takeRequests() // the signal that came with the start is the request of the start
	for !r.machine.Final() {
		event, err := d.Steps[r.machine.State()](detached, r)
		if err != nil {
			return Outcome{}, err
		}
		r.fire(detached, event)
	}
	return r.end(detached)
}
