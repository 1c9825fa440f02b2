package main

import (
	"context"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// strangers are the stories of somebody who may talk to Temporal.
func strangers() []story {
	const completed = statemachine.StateCompleted
	return []story{
		one("stranger-completes", stranger, ends(completed), schedules(workflow.AwaitTokenSubmission, 2)),
		one("foreign-signals", foreignSignals, ends(completed), signals(workflow.RequestSignal, 2), signals(workflow.DisownSignal, 1)),
		one("foreign-input", foreignInput, fails),
	}
}

// stranger is somebody without keys who completes the wait before the owner does.
func stranger(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	options := anonymous("-stranger")
	options.HostPort, options.Logger = o.Server.Addr(), o.TemporalOptions().Logger
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return err
	}
	defer c.Close()
	made := workflow.Submission{ID: "stranger", Link: "made up", Sealed: []byte("made up")}
	if err := c.CompleteActivityByID(ctx, client.DefaultNamespace, o.workflow, "", workflow.AwaitTokenSubmission, made, nil); err != nil {
		return err
	}
	return o.submit(ctx, token, newPassword, "")
}

// foreignKey is the account key in what was sealed for somebody else.
const foreignKey = "the key of another account"

// foreignSignals asks and disowns in the name of somebody else, and then uses the link.
func foreignSignals(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	for _, signal := range []string{workflow.RequestSignal, workflow.DisownSignal} {
		if err := o.signal(ctx, signal, foreignKey); err != nil {
			return err
		}
	}
	return o.submit(ctx, token, newPassword, "")
}

// signal signals the run with what was sealed for an account, and waits until it has heard.
func (o *owner) signal(ctx context.Context, name, accountKey string) error {
	err := o.temporal.SignalWorkflow(ctx, o.workflow, "", name, workflow.Caller{AccountKey: accountKey})
	if err != nil {
		return err
	}
	return o.heard(ctx)
}

// foreignInput starts the run of an account with the input of another one.
func foreignInput(ctx context.Context, o *owner) error {
	options := client.StartWorkflowOptions{ID: o.workflow, TaskQueue: workflow.TaskQueue}
	_, err := o.temporal.ExecuteWorkflow(ctx, options, workflow.Name, workflow.Request{Address: o.who.Address, AccountKey: foreignKey})
	return err
}

// foreignVerdict completes the change with what was said about another one.
func (o *owner) foreignVerdict(ctx context.Context) error {
	said := workflow.Verdict{Event: statemachine.PasswordChanged, Submission: "of another run", Account: o.who.ID}
	return o.complete(ctx, workflow.ChangePassword, 1, said)
}

// copiedVerdict completes the change with what was said about the same submission in another
// run.
func (o *owner) copiedVerdict(ctx context.Context) error {
	h, err := o.history(ctx, "")
	if err != nil {
		return err
	}
	var change workflow.Change
	for _, e := range h.GetEvents() {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == workflow.ChangePassword {
			if err := keys.DataConverter(o.codec).FromPayloads(a.GetInput(), &change); err != nil {
				return err
			}
		}
	}
	said := workflow.Verdict{
		Event: statemachine.PasswordChanged, Run: "another run", Submission: change.Submission.ID, Account: o.who.ID,
	}
	return o.complete(ctx, workflow.ChangePassword, 1, said)
}

// complete completes the n-th activity of a type for whoever is at work on it.
func (o *owner) complete(ctx context.Context, activity string, n int, result any) error {
	h, err := o.history(ctx, "")
	if err != nil {
		return err
	}
	event := scheduled(h, activity)[n-1]
	id := h.GetEvents()[event-1].GetActivityTaskScheduledEventAttributes().GetActivityId()
	return o.temporal.CompleteActivityByID(ctx, client.DefaultNamespace, o.workflow, "", id, result, nil)
}
