package flow

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// Notice is a request for mails to an account owner after a change of the password. The store has
// the addresses, and which of them the notice has reached.
type Notice struct {
	Run        string    // the original ID of the run that changed it
	Sender     string    // ID of the run that sends it; empty in 0.1.0
	Account    string    // whose password was changed
	Changed    time.Time // when
	Submission string    // that was applied; empty in 0.2.0, and the run's newest then
	// To are the addresses that the notice has not reached, and Until is the end of its attempts,
	// both for operators. They are empty until it has reached one.
	To    []string
	Until time.Time
	Waits bool // asks for a result when the notice is kept waiting
}

// Mail is how a notice is written.
func (n Notice) Mail() Mail {
	return Mail{
		Run: n.Run, Sender: n.Sender, Account: n.Account, Changed: n.Changed, Submission: n.Submission,
		To: n.To, Until: n.Until, Waits: n.Waits,
	}
}

// Notice reads a mail that has an Account.
func (m Mail) Notice() Notice {
	return Notice{m.Run, m.Sender, m.Account, m.Changed, m.Submission, m.To, m.Until, m.Waits}
}

// pendingNotice is a notice that has reached one address and not yet all.
type pendingNotice struct {
	notice Notice
	done   bool
}

// deliver sends a notice until a delivery names it: every client of the namespace can complete an
// activity.
func deliver(ctx workflow.Context, notice Notice, until time.Time) Delivery {
	notice.Sender = workflow.GetInfo(ctx).WorkflowExecution.RunID
	for n := time.Duration(1); workflow.Now(ctx).Before(until); n++ {
		var d Delivery
		err := workflow.ExecuteActivity(noticeOptions(ctx, until.Sub(workflow.Now(ctx))), SendEmail, notice.Mail()).Get(ctx, &d)
		if err == nil && d.Notice == notice.Run {
			return d
		}
		if err == nil && notice.Waits && d.Waits != "" && d.Of == notice.Run && showsWaiting(ctx) {
			return d // the ledger of the store schedules each address
		}
		// Deliveries of 0.1.0 name no notice, so runs that it started accept them.
		if workflow.GetVersion(ctx, "delivery-names-its-notice", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			return unnamedDelivery(d, err)
		}
		if err := workflow.Sleep(ctx, min(n*retryPause, until.Sub(workflow.Now(ctx)))); err != nil {
			break
		}
	}
	return Delivery{Withheld: MailFailed}
}

// deliverInBackground goes on with a notice beside the work of the states.
func (r *Run) deliverInBackground(ctx workflow.Context, notice Notice) {
	p := &pendingNotice{notice: notice}
	r.background = append(r.background, p)
	workflow.Go(ctx, func(ctx workflow.Context) {
		if d := deliver(ctx, notice, notice.Until); d.Withheld != "" {
			r.giveUp(ctx, notice)
		}
		p.done = true
	})
}

// giveUp gives a notice up, in runs whose release did.
func (r *Run) giveUp(ctx workflow.Context, notice Notice) {
	if workflow.GetVersion(ctx, "notice-is-given-up", workflow.DefaultVersion, 1) == 1 {
		r.events.tellUntold(ctx, notice, giveUp(ctx, notice))
	}
}

// giveUp turns a notice that no mail server accepts into a failed one, in the audit log and for
// the alert. A notice that was not tried for its whole day stays pending, with its addresses in
// Left.
func giveUp(ctx workflow.Context, notice Notice) (d Delivery) {
	notice.Sender = workflow.GetInfo(ctx).WorkflowExecution.RunID
	err := workflow.ExecuteActivity(recordOptions(ctx, "record the failed notice"), GiveUpNotice, notice.Mail()).Get(ctx, &d)
	if err != nil || d.Notice != notice.Run {
		return Delivery{}
	}
	return d
}

// pendingNotices are the notices that have not reached all addresses, as the next run gets them.
func (r *Run) pendingNotices() (pending []Mail) {
	for _, p := range r.background {
		if !p.done {
			pending = append(pending, p.notice.Mail())
		}
	}
	return pending
}
