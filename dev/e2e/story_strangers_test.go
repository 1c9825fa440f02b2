package e2e

import (
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// byStrangers are the stories of an attacker who may talk to Temporal.
func byStrangers() []story {
	const completed = statemachine.StateCompleted
	return []story{
		one("stranger-completes", strangersToken, ends(completed), schedules(flow.AwaitTokenSubmission, 2)),
		one("foreign-signals", foreignSignals, ends(completed), signals(flow.RequestSignal, 2), signals(flow.DisownSignal, 1)),
		one("foreign-input", foreignInput, fails),
		one("stranger-completes-notice", strangersNotice, ends(completed), asksVersion, not(mailFails), not(timesOut), not(tells)),
	}
}

// strangersToken is an attacker without keys who completes the wait before the owner does.
func strangersToken(o *owner) {
	token := o.first()
	options := o.TemporalOptions()
	options.Identity = identity + "-stranger"
	c, err := client.Dial(options)
	o.must(err)
	o.t.Cleanup(c.Close)
	made := flow.Submission{ID: "stranger", LinkRun: "made up", Sealed: []byte("made up")}
	o.must(c.CompleteActivityByID(o.t.Context(), client.DefaultNamespace, o.id, "", flow.AwaitTokenSubmission, made, nil))
	o.submit(token, newPassword, "")
}

// foreignKey is the account key in payloads that were sealed for another account.
const foreignKey = "the key of another account"

// foreignSignals sends signals with the key of another account, and then uses the link.
func foreignSignals(o *owner) {
	token := o.first()
	for _, signal := range []string{flow.RequestSignal, flow.DisownSignal} {
		o.signal(signal, flow.Caller{AccountKey: foreignKey})
	}
	o.submit(token, newPassword, "")
}

// foreignInput starts the run of an account with the input of another one.
func foreignInput(o *owner) {
	options := client.StartWorkflowOptions{ID: o.id, TaskQueue: flow.TaskQueue}
	_, err := o.temporal.ExecuteWorkflow(o.t.Context(), options, workflow.ResetPassword.Name, flow.Request{Address: o.who.Address, AccountKey: foreignKey})
	o.must(err)
}

// strangersNotice is a notice that an attacker reports as sent before it is.
func strangersNotice(o *owner) {
	token := o.first()
	came, release := o.hold(nil)
	defer release()
	o.submit(token, newPassword, "")
	o.await(came, "the notice")
	o.complete(flow.SendEmail, flow.Delivery{Notice: "the run of somebody else"})
}

// foreignVerdict completes the change with the verdict of another one.
func (o *owner) foreignVerdict() {
	o.complete(flow.ChangePassword, flow.Verdict{Event: statemachine.PasswordChanged, Submission: "of another run", Account: o.who.ID})
}

// copiedVerdict completes the change with the verdict of the same submission in another run.
func (o *owner) copiedVerdict() {
	var change flow.Change
	for _, e := range o.history("").GetEvents() {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == flow.ChangePassword {
			o.must(keys.DataConverter(o.codec).FromPayloads(a.GetInput(), &change))
		}
	}
	o.complete(flow.ChangePassword, flow.Verdict{
		Event: statemachine.PasswordChanged, Run: "another run", Submission: change.Submission.ID, Account: o.who.ID,
	})
}
