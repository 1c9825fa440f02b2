package workflow

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// ResetPassword is one password reset of one account, from the request to the
// notice. It ends without an error however the reset ends; the outcome says how.
//
// This file tells it downwards, one method for each state. A method returns the event that
// ended its state, and [statemachine.Reset] has the state that follows.
func ResetPassword(ctx workflow.Context, in Request) (Outcome, error) {
	if ID(in.AccountKey) != workflow.GetInfo(ctx).WorkflowExecution.ID {
		return Outcome{}, temporal.NewNonRetryableApplicationError("the input belongs to another workflow ID", "foreign_input", nil)
	}
	r, detached := begin(ctx, in)
	if err := workflow.SetUpdateHandler(ctx, OutcomeUpdate, r.whenSettled); err != nil {
		return Outcome{}, err
	}
	for !r.machine.Final() {
		event, err := r.handle(detached, r.machine.State())
		if err != nil {
			return Outcome{}, err
		}
		r.fire(detached, event)
	}
	return r.end(detached)
}

// handle does the work of a state and returns the event that it ended with.
func (r *run) handle(ctx workflow.Context, s statemachine.State) (statemachine.Event, error) {
	switch s {
	case statemachine.StateRequested:
		return r.mailFirstLink(ctx)
	case statemachine.StateAwaitingToken:
		return r.awaitToken(ctx)
	case statemachine.StateTokenSubmitted:
		return r.changePassword(ctx)
	case statemachine.StatePasswordChanged:
		return r.notifyOwner(ctx)
	case statemachine.StateCompleted, statemachine.StateExpired, statemachine.StateCanceled, statemachine.StateRefused:
	}
	panic(fmt.Sprintf("state %s has no work", s))
}

// mailFirstLink opens the wait before the mail goes out. A link can be used before the run hears
// that it was mailed.
func (r *run) mailFirstLink(ctx workflow.Context) (statemachine.Event, error) {
	r.openWait(ctx)
	r.takeRequests() // the signal that came with the start is the request of the start
	r.sendLink(ctx, Caller{Client: r.in.Client, Operator: r.in.Operator})
	return r.awaitEvent(ctx)
}

// awaitToken waits for a link to be used, and answers further requests meanwhile.
func (r *run) awaitToken(ctx workflow.Context) (statemachine.Event, error) {
	r.openWait(ctx) // again after a submission without a link of this run
	return r.awaitEvent(ctx)
}

// awaitEvent waits for the next event. Of several, the first case wins. Cancel is first, since no
// password may change after it. A used link wins over the expiry, also when the timer of the link
// has fired. The starter has judged that the link came in time. A Selector would follow the order
// of the history. It would expire a submission that was accepted after the timer fired.
func (r *run) awaitEvent(ctx workflow.Context) (statemachine.Event, error) {
	for {
		if err := workflow.Await(ctx, r.somethingHappened); err != nil {
			return "", err
		}
		r.takeDisowns()
		switch {
		case r.canceled(), r.disowner != nil:
			return statemachine.Cancel, nil
		case r.wait.IsReady():
			r.submittedAt = workflow.Now(ctx)
			return statemachine.TokenSubmitted, nil
		case r.mailDone():
			if d, final := r.delivered(ctx); final {
				return r.linkMailed(ctx, d), nil
			}
			r.sendAgain()
		case r.requests.Len() > 0:
			if !r.answerRequests(ctx) {
				return statemachine.Expire, nil
			}
		case r.expired():
			return statemachine.Expire, nil
		}
	}
}

// somethingHappened is a condition: it takes nothing from a channel.
func (r *run) somethingHappened() bool {
	return r.canceled() || r.disowns.Len() > 0 || r.wait.IsReady() || r.mailDone() || r.requests.Len() > 0 || r.expired()
}

// changePassword applies the accepted submission. The store makes it atomic and idempotent. So it
// is repeated until a verdict names this run and the submission.
func (r *run) changePassword(ctx workflow.Context) (statemachine.Event, error) {
	if err := r.wait.Get(ctx, &r.accepted); err != nil || r.accepted.ID == "" {
		return r.dropSubmission(), nil //nolint:nilerr // a failure of the wait is a stranger's
	}
	for {
		var v Verdict
		change := Change{Run: r.original, Sender: r.id, Submission: r.accepted, Waits: r.waitingFor == ""}
		err := workflow.ExecuteActivity(changeOptions(ctx), ChangePassword, change).Get(ctx, &v)
		switch authentic := err == nil && v.Submission == r.accepted.ID && r.namesThisRun(ctx, v); {
		case authentic && v.Event == statemachine.TokenUnknown:
			return r.dropSubmission(), nil
		case authentic:
			r.verdict = v
			r.countRedeemed(ctx)
			r.tellChange(ctx)
			return v.Event, nil
		case err == nil && r.changeWaits(ctx, change, v):
			r.showWaiting(ctx, v.Waits)
			continue
		}
		if err := workflow.Sleep(ctx, retryPause); err != nil {
			return "", err
		}
	}
}

// namesThisRun reports whether a verdict is about this run. Verdicts of 0.2.0 name no run, so
// runs that it started accept them.
func (r *run) namesThisRun(ctx workflow.Context, v Verdict) bool {
	return v.Run == r.original ||
		v.Run == "" && workflow.GetVersion(ctx, "verdict-names-its-run", workflow.DefaultVersion, 1) == workflow.DefaultVersion
}

// changeWaits reports that the change is undecided, and shows operators why.
func (r *run) changeWaits(ctx workflow.Context, c Change, v Verdict) bool {
	return v.Waits != "" && v.Run == r.original && c.Waits && showsWaiting(ctx)
}

// dropSubmission forgets a submission that no link of this run made.
func (r *run) dropSubmission() statemachine.Event {
	r.wait, r.accepted = nil, Submission{}
	return statemachine.TokenUnknown
}

// notifyOwner mails the notice of the change. The reset is done even when no mail arrives. When
// the notice has reached one address, the others delay no further reset.
func (r *run) notifyOwner(ctx workflow.Context) (statemachine.Event, error) {
	r.stopMail() // a link in progress would be dead on arrival
	notice := Notice{
		Run: r.original, Account: r.verdict.Account, Changed: r.verdict.Changed, Submission: r.accepted.ID, Waits: true,
	}
	until := workflow.Now(ctx).Add(NoticeDay)
	d := deliver(ctx, notice, until)
	notice.Waits = false
	if d.Waits != "" {
		r.showWaiting(ctx, d.Waits)
		d = deliver(ctx, notice, until)
	}
	if len(d.Left) > 0 {
		notice.To, notice.Until = d.Left, until
		r.deliverInBackground(ctx, notice)
	}
	if d.Withheld != "" {
		r.noticeFailed = true
		r.giveUp(ctx, notice)
		return statemachine.NoticeFailed, nil
	}
	return statemachine.NoticeSent, nil
}

// fire moves the machine. An event that the table forbids is a bug of this package. The panic
// fails the workflow task, and the run waits for a fixed worker. An error would end the run and
// could lose an accepted submission.
func (r *run) fire(ctx workflow.Context, event statemachine.Event) {
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
// answers a late request at once, and takes over what is pending. The server closes no run that has unread
// signals, so none is lost.
func (r *run) end(ctx workflow.Context) (Outcome, error) {
	finished := func() bool { return workflow.AllHandlersFinished(ctx) }
	if err := workflow.Await(ctx, finished); err != nil {
		return Outcome{}, err
	}
	if r.machine.State() == statemachine.StateCanceled {
		r.recordCancel(ctx)
		r.tell(ctx, HostResetCanceled, workflow.Now(ctx), "")
	}
	outcome := r.outcome()
	for {
		if caller, asked := r.lateRequest(); asked {
			return outcome, r.continueAsNew(ctx, caller, &outcome)
		}
		if r.told() {
			return outcome, nil
		}
		changed := func() bool { return r.requests.Len() > 0 || r.told() }
		if err := workflow.Await(ctx, changed); err != nil {
			return Outcome{}, err
		}
	}
}

// told reports that no notice and no event is pending.
func (r *run) told() bool { return len(r.pendingNotices()) == 0 && r.events.done() }

// continueAsNew is the error that begins the next run, for a late request.
func (r *run) continueAsNew(ctx workflow.Context, by Caller, outcome *Outcome) error {
	next := r.in
	next.Client, next.Operator, next.Previous = by.Client, by.Operator, outcome
	next.Owed, next.Events = r.pendingNotices(), r.events.pending(workflow.Now(ctx))
	return workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{
		InitialVersioningBehavior: workflow.ContinueAsNewVersioningBehaviorAutoUpgrade,
	}, ResetPassword, next)
}
