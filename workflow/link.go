package workflow

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// tries is how often a link mail, or the note of a cancel, is begun whose answer is not ours.
// A workflow reset is a reason for one more: what it schedules anew still names the run of
// before, and is refused as another run's. A stranger's answer is another.
const tries = 4

func (r *run) sendLink(ctx workflow.Context, by Caller) {
	r.mails++
	r.sending = Mail{
		Number: r.mails, Run: r.original, Sender: r.id, Life: r.in.LinkLife, Address: r.in.Address,
		Client: by.Client, Operator: by.Operator, Waits: true,
	}
	r.begunAt, r.repeats, r.pause = workflow.Now(ctx), 0, 0
	r.mail = workflow.ExecuteActivity(mailing(r.mailing, "mail a link"), SendEmail, r.sending)
}

func (r *run) mailDone() bool { return r.mail != nil && r.mail.IsReady() }

// delivered is what became of the mail, unless the answer is not ours and the mail has to be
// begun again. After a day, or so many answers of others, it has failed.
func (r *run) delivered(ctx workflow.Context) (d Delivery, ours bool) {
	err := r.mail.Get(ctx, &d)
	switch {
	case err == nil && d.Mail == r.sending.Name():
		return d, true
	case err == nil && r.mailKeptWaiting(ctx, d):
		return d, false
	case r.timeLeft(ctx) <= 0:
		return Delivery{Withheld: MailFailed}, true
	// What 0.2.0 mailed does not say what it is about, and was believed.
	case workflow.GetVersion(ctx, "delivery-names-its-link", workflow.DefaultVersion, 1) == workflow.DefaultVersion:
		return believed(d, err), true
	case r.repeats >= tries-1:
		return Delivery{Withheld: MailFailed}, true
	}
	return d, false
}

// sendAgain begins the mail again: the first time at once, since somebody waits for it, and
// then after a pause that grows, within the day that the mail has.
func (r *run) sendAgain() {
	pause := max(time.Duration(r.repeats)*again, r.pause)
	r.repeats++
	r.pause = 0
	answer, set := workflow.NewFuture(r.mailing)
	r.mail = answer
	workflow.Go(r.mailing, func(ctx workflow.Context) {
		err := workflow.Sleep(ctx, min(pause, r.timeLeft(ctx)))
		left := r.timeLeft(ctx)
		if err != nil || left <= 0 {
			set.Set(nil, err) // nobody's answer
			return
		}
		ctx = workflow.WithScheduleToCloseTimeout(mailing(ctx, "mail a link"), left)
		if !r.sending.Waits {
			ctx = patiently(ctx)
		}
		set.Chain(workflow.ExecuteActivity(ctx, SendEmail, r.sending))
	})
}

// timeLeft is how long the mail is tried still.
func (r *run) timeLeft(ctx workflow.Context) time.Duration {
	return mailRetry - workflow.Now(ctx).Sub(r.begunAt)
}
