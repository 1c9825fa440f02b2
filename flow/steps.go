package flow

import (
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// MailFirstLink opens the wait before the mail goes out. A link can be used before the run hears
// that it was mailed.
func MailFirstLink(ctx workflow.Context, r *Run) (statemachine.Event, error) {
	r.openWait(ctx)
	r.sendLink(ctx, Caller{Client: r.in.Client, Operator: r.in.Operator, Locale: r.in.Locale, Asked: r.in.Asked})
	return r.awaitEvent(ctx)
}

// AwaitToken waits for a link to be used, and answers further requests meanwhile.
func AwaitToken(ctx workflow.Context, r *Run) (statemachine.Event, error) {
	r.openWait(ctx) // again after a submission without a link of this run
	return r.awaitEvent(ctx)
}

// awaitEvent waits for the next event. Of several, the first case wins. Cancel is first, since no
// password may change after it. A used link wins over the expiry, also when the timer of the link
// has fired. The starter has judged that the link came in time. A Selector would follow the order
// of the history. It would expire a submission that was accepted after the timer fired.
func (r *Run) awaitEvent(ctx workflow.Context) (statemachine.Event, error) {
	for {
		if err := workflow.Await(ctx, r.somethingHappened); err != nil {
			return "", err
		}
		r.takeDisowns()
		r.takeBounces(ctx)
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
		case r.reminds():
			r.sendLink(ctx, Caller{Operator: r.in.Operator})
		case r.expired():
			return statemachine.Expire, nil
		}
	}
}

// somethingHappened is a condition: it takes nothing from a channel.
func (r *Run) somethingHappened() bool {
	return r.canceled() || r.disowns.Len() > 0 || r.wait.IsReady() || r.mailDone() ||
		r.requests.Len() > 0 || r.reminds() || r.expired() || r.bounces.Len() > 0
}

// Apply applies the accepted submission. The store makes it atomic and idempotent. So it
// is repeated until a verdict names this run and the submission.
func Apply(ctx workflow.Context, r *Run) (statemachine.Event, error) {
	if err := r.wait.Get(ctx, &r.accepted); err != nil || r.accepted.ID == "" {
		return r.dropSubmission(), nil //nolint:nilerr // a failure of the wait is a stranger's
	}
	for {
		var v Verdict
		change := Change{
			Run: r.original, Sender: r.id, Submission: r.accepted, Waits: r.waitingFor == "", Flow: r.flow.Mark(), Locale: r.sending.Locale,
		}
		err := workflow.ExecuteActivity(changeOptions(ctx, "change the password"), ChangePassword, change).Get(ctx, &v)
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

// Decide executes an activity that decides a state. It returns the event of its [Decision]. The
// activity gets a [Question], sends heartbeats every [Heartbeat], and is repeated until a decision
// names this run.
func (r *Run) Decide(ctx workflow.Context, activity string) (statemachine.Event, error) {
	question := Question{
		Run: r.original, Sender: r.id, Flow: r.flow.Kind,
		Address: r.in.Address, Client: r.in.Client, Operator: r.in.Operator, Note: r.in.Note, Order: r.in.Order, At: r.in.At,
	}
	for {
		var d Decision
		err := workflow.ExecuteActivity(changeOptions(ctx, activity), activity, question).Get(ctx, &d)
		if err == nil && d.Run == r.original && r.machine.Can(d.Event) {
			r.verdict.Reason = d.Reason
			if d.Event == statemachine.ChangeRefused {
				r.tellRequested(ctx, d.Tells, d.Account)
				r.tell(ctx, HostRefused.of(r.flow), workflow.Now(ctx), "")
			}
			return d.Event, nil
		}
		if err := workflow.Sleep(ctx, retryPause); err != nil {
			return "", err
		}
	}
}

// namesThisRun reports whether a verdict is about this run. Verdicts of 0.2.0 name no run, so
// runs that it started accept them.
func (r *Run) namesThisRun(ctx workflow.Context, v Verdict) bool {
	return v.Run == r.original ||
		v.Run == "" && workflow.GetVersion(ctx, "verdict-names-its-run", workflow.DefaultVersion, 1) == workflow.DefaultVersion
}

// changeWaits reports that the change is undecided, and shows operators why.
func (r *Run) changeWaits(ctx workflow.Context, c Change, v Verdict) bool {
	return v.Waits != "" && v.Run == r.original && c.Waits && showsWaiting(ctx)
}

// dropSubmission forgets a submission that no link of this run made.
func (r *Run) dropSubmission() statemachine.Event {
	r.wait, r.accepted = nil, Submission{}
	return statemachine.TokenUnknown
}

// Notify mails the notice of the change. The run is done even when no mail arrives. When
// the notice has reached one address, the others delay no further reset.
func Notify(ctx workflow.Context, r *Run) (statemachine.Event, error) {
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
