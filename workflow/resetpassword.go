package workflow

import (
	"cmp"
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// step is what a run does in one state. It returns the event it ended with.
type step func(*run, workflow.Context) (statemachine.Event, error)

// stepOf has a step for every state that is not final.
func stepOf(s statemachine.State) step {
	switch s {
	case statemachine.StateRequested, statemachine.StateAwaitingToken:
		return (*run).await
	case statemachine.StateTokenSubmitted:
		return (*run).changePassword
	case statemachine.StatePasswordChanged:
		return (*run).notify
	case statemachine.StateCompleted, statemachine.StateExpired, statemachine.StateCanceled, statemachine.StateRefused:
	}
	panic(fmt.Sprintf("state %s has no step", s))
}

// ResetPassword is one password reset of one account, from the request to the
// notice. It ends without an error however the reset ends; the outcome says how.
//
// The owner's "this wasn't me" and an operator's cancel are an event like any other: it
// counts until a submission is accepted and never cuts a step short.
func ResetPassword(ctx workflow.Context, in Request) (Outcome, error) {
	if ID(in.AccountKey) != workflow.GetInfo(ctx).WorkflowExecution.ID {
		return Outcome{}, temporal.NewNonRetryableApplicationError("the input belongs to another workflow ID", "foreign_input", nil)
	}
	r, steps := begin(ctx, in)
	if err := workflow.SetUpdateHandler(ctx, OutcomeUpdate, r.whenSettled); err != nil {
		return Outcome{}, err
	}
	for !r.machine.Final() {
		event, err := stepOf(r.machine.State())(r, steps)
		if err != nil {
			return Outcome{}, err
		}
		r.fire(steps, event)
	}
	return r.end(steps)
}

// begin makes the run and the context of its steps, which a cancel does not reach.
func begin(ctx workflow.Context, in Request) (*run, workflow.Context) {
	steps, _ := workflow.NewDisconnectedContext(ctx)
	r := &run{
		in:       in,
		machine:  statemachine.New(statemachine.Reset),
		requests: workflow.GetSignalChannel(ctx, RequestSignal),
		disowns:  workflow.GetSignalChannel(ctx, DisownSignal),
		canceled: func() bool { return ctx.Err() != nil },
		id:       workflow.GetInfo(ctx).WorkflowExecution.RunID,
		original: cmp.Or(workflow.GetInfo(ctx).OriginalRunID, workflow.GetInfo(ctx).WorkflowExecution.RunID),
	}
	r.mailing, r.stopMail = workflow.WithCancel(steps)
	r.show(steps, "requested")
	if in.Previous != nil {
		r.tellOperators(steps) // the attribute still says how the previous run ended
	}
	for _, notice := range in.Owed {
		r.owe(steps, notice)
	}
	return r, steps
}

// end closes the run, when nobody is to be told any more. A request that came too late for
// it is answered at once, by a new run under the same workflow ID that takes the notices
// over which are still owed; the server closes no run that has unread signals, so none is
// lost.
func (r *run) end(ctx workflow.Context) (Outcome, error) {
	finished := func() bool { return workflow.AllHandlersFinished(ctx) }
	if err := workflow.Await(ctx, finished); err != nil {
		return Outcome{}, err
	}
	if r.machine.State() == statemachine.StateCanceled {
		r.recordCancel(ctx)
	}
	outcome := r.outcome()
	for {
		if caller, asked := r.lateRequest(); asked {
			return outcome, r.continued(ctx, caller, &outcome)
		}
		if len(r.owing()) == 0 {
			return outcome, nil
		}
		changed := func() bool { return r.requests.Len() > 0 || len(r.owing()) == 0 }
		if err := workflow.Await(ctx, changed); err != nil {
			return Outcome{}, err
		}
	}
}

// continued is the end that begins a new run.
func (r *run) continued(ctx workflow.Context, by Caller, outcome *Outcome) error {
	next := r.in
	next.Client, next.Operator, next.Previous, next.Owed = by.Client, by.Operator, outcome, r.owing()
	return workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{
		InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade,
	}, ResetPassword, next)
}

// fire moves the machine. An event that the table forbids is a bug of ours: the
// panic fails the workflow task, and the run waits for a fixed worker. An error
// would end the run and could lose an accepted submission.
func (r *run) fire(ctx workflow.Context, event statemachine.Event) {
	if err := r.machine.Fire(event); err != nil {
		panic(err)
	}
	r.show(ctx, string(event))
	r.waited(ctx)
	if r.machine.Final() {
		r.tellOperators(ctx)
	}
}

// whenSettled answers the outcome update. A run that is being canceled still
// answers, hence the disconnected context.
func (r *run) whenSettled(ctx workflow.Context) (Outcome, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(ctx, r.machine.Settled); err != nil {
		return Outcome{}, err
	}
	return r.outcome(), nil
}

// tellOperators sets the search attribute. Each upsert is a billable action, so a run
// has one, at its end; the start brings the first value along. One that is kept waiting has two
// more, see waitFor.
func (r *run) tellOperators(ctx workflow.Context) { r.attribute(ctx, r.machine.State()) }

func (*run) attribute(ctx workflow.Context, state statemachine.State) {
	err := workflow.UpsertTypedSearchAttributes(ctx, StateAttribute.ValueSet(string(state)))
	if err != nil {
		panic(err) // only a wrong key or value makes one: a bug of ours, as in fire
	}
}
