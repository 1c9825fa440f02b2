package workflow

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// debt is a notice that has reached somebody and is owed to further addresses.
type debt struct {
	notice Mail
	paid   bool
}

// notify tells the owner. Whether the notice arrives or not, the reset is done; and when it
// has reached one address, the others keep nobody waiting who asks for another reset.
func (r *run) notify(ctx workflow.Context) (statemachine.Event, error) {
	r.stopMail() // a link that is still on its way would be dead on arrival
	notice := Mail{
		Run: r.original, Account: r.verdict.Account, Changed: r.verdict.Changed, Submission: r.accepted.ID, Waits: true,
	}
	until := workflow.Now(ctx).Add(NoticeDay)
	d := tell(ctx, notice, until)
	notice.Waits = false
	if d.Waits != "" {
		r.waitFor(ctx, d.Waits)
		d = tell(ctx, notice, until)
	}
	if len(d.Left) > 0 {
		notice.To, notice.Until = d.Left, until
		r.owe(ctx, notice)
	}
	if d.Withheld != "" {
		r.untold = true
		giveUpLate(ctx, notice)
		return statemachine.NoticeFailed, nil
	}
	return statemachine.NoticeSent, nil
}

// tell sends a notice until a delivery of ours says what became of it: anyone who may talk
// to Temporal can complete an activity.
func tell(ctx workflow.Context, notice Mail, until time.Time) Delivery {
	notice.Sender = workflow.GetInfo(ctx).WorkflowExecution.RunID
	for n := time.Duration(1); workflow.Now(ctx).Before(until); n++ {
		var d Delivery
		err := workflow.ExecuteActivity(telling(ctx, until.Sub(workflow.Now(ctx))), SendEmail, notice).Get(ctx, &d)
		if err == nil && d.Notice == notice.Run {
			return d
		}
		if err == nil && notice.Waits && d.Waits != "" && d.Of == notice.Run && saysWaiting(ctx) {
			return d // the ledger of the store knows when each address has its turn
		}
		// What 0.1.0 sent does not say what it is about, and was believed.
		if workflow.GetVersion(ctx, "delivery-names-its-notice", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			return believed(d, err)
		}
		if err := workflow.Sleep(ctx, min(n*again, until.Sub(workflow.Now(ctx)))); err != nil {
			break
		}
	}
	return Delivery{Withheld: MailFailed}
}

func believed(d Delivery, err error) Delivery {
	if err != nil {
		return Delivery{Withheld: MailFailed}
	}
	return d
}

// owe goes on telling beside everything else.
func (r *run) owe(ctx workflow.Context, notice Mail) {
	d := &debt{notice: notice}
	r.owed = append(r.owed, d)
	workflow.Go(ctx, func(ctx workflow.Context) {
		if rest := tell(ctx, notice, notice.Until); rest.Withheld != "" {
			giveUpLate(ctx, notice)
		}
		d.paid = true
	})
}

// giveUpLate is giveUp for runs whose code has it.
func giveUpLate(ctx workflow.Context, notice Mail) {
	if workflow.GetVersion(ctx, "notice-is-given-up", workflow.DefaultVersion, 1) == 1 {
		giveUp(ctx, notice)
	}
}

// giveUp makes a notice that nobody takes one that failed, in the audit log and for the
// alert. A notice that was not tried for its whole day stays owed: then it is still left.
func giveUp(ctx workflow.Context, notice Mail) (d Delivery) {
	notice.Sender = workflow.GetInfo(ctx).WorkflowExecution.RunID
	err := workflow.ExecuteActivity(recording(ctx, "note who was not told"), GiveUpNotice, notice).Get(ctx, &d)
	if err != nil || d.Notice != notice.Run {
		return Delivery{}
	}
	return d
}

// owing are the notices that have not reached everybody.
func (r *run) owing() (left []Mail) {
	for _, d := range r.owed {
		if !d.paid {
			left = append(left, d.notice)
		}
	}
	return left
}
