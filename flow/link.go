package flow

import (
	"cmp"
	"strconv"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// LinkMail is a request for a mail with a link.
type LinkMail struct {
	Number   int           // 1 for a run's first link, then 2, 3
	Run      string        // the run's original ID, the same after a workflow reset
	Sender   string        // ID of the run that sends it; empty in 0.1.0
	Life     time.Duration // of the link
	Address  string        // of the request
	Client   string        // caller of the request, for the audit log
	Operator string        // or its operator
	Waits    bool          // asks for a result when the mail is kept waiting
	Flow     string        // Definition.Kind; empty for a reset
	Note     string        // Request.Note
	Locale   string        // of the newest caller whose browser said one
	Asked    time.Time     // of the request; zero when a run of an earlier release sends it
}

// Name tells a run's links apart. It is the same on all attempts and after a workflow reset.
func (m LinkMail) Name() string { return m.Run + "/" + strconv.Itoa(m.Number) }

// Mail is how a link mail is written.
func (m LinkMail) Mail() Mail {
	return Mail{
		Number: m.Number, Run: m.Run, Sender: m.Sender, Life: m.Life, Address: m.Address,
		Client: m.Client, Operator: m.Operator, Waits: m.Waits, Flow: m.Flow, Note: m.Note,
		Locale: m.Locale, Asked: m.Asked,
	}
}

// LinkMail reads a mail that has no Account.
func (m Mail) LinkMail() LinkMail {
	return LinkMail{m.Number, m.Run, m.Sender, m.Life, m.Address, m.Client, m.Operator, m.Waits, m.Flow, m.Note, m.Locale, m.Asked}
}

// tries limits how often a link mail, or the record of a cancel, is begun while each result names
// another run. A workflow reset is a reason for one more: its new activities still name the old run,
// and are refused. A foreign completion is another reason.
const tries = 4

func (r *Run) sendLink(ctx workflow.Context, by Caller) {
	r.mails++
	r.sending = LinkMail{
		Number: r.mails, Run: r.original, Sender: r.id, Life: r.in.LinkLife, Address: r.in.Address,
		Client: by.Client, Operator: by.Operator, Waits: true, Flow: r.flow.Mark(), Note: r.in.Note,
		Locale: cmp.Or(by.Locale, r.sending.Locale), Asked: by.Asked,
	}
	r.begunAt, r.repeats, r.pause = workflow.Now(ctx), 0, 0
	r.mail = workflow.ExecuteActivity(mailOptions(r.mailing, "mail a link"), SendEmail, r.sending.Mail())
}

func (r *Run) mailDone() bool { return r.mail != nil && r.mail.IsReady() }

// delivered is the result of the mail. It is not final when it names another mail, or says that
// this one is kept waiting: the mail has to be begun again. After a day, or several such results,
// it has failed.
func (r *Run) delivered(ctx workflow.Context) (d Delivery, final bool) {
	err := r.mail.Get(ctx, &d)
	switch {
	case err == nil && d.Mail == r.sending.Name():
		return d, true
	case err == nil && r.mailWaits(ctx, d):
		return d, false
	case r.timeLeft(ctx) <= 0:
		return Delivery{Withheld: MailFailed}, true
	// Deliveries of 0.2.0 name no link, so runs that it started accept them.
	case workflow.GetVersion(ctx, "delivery-names-its-link", workflow.DefaultVersion, 1) == workflow.DefaultVersion:
		return unnamedDelivery(d, err), true
	case r.repeats >= tries-1:
		return Delivery{Withheld: MailFailed}, true
	}
	return d, false
}

// mailWaits reports that a delivery says why the link mail in progress is kept waiting.
func (r *Run) mailWaits(ctx workflow.Context, d Delivery) bool {
	if d.Waits == "" || d.Of != r.sending.Name() || !r.sending.Waits || !showsWaiting(ctx) {
		return false
	}
	r.showWaiting(ctx, d.Waits)
	r.sending.Waits, r.pause = false, d.Pause
	return true
}

// unnamedDelivery is the result of an activity whose release named no mail in it.
func unnamedDelivery(d Delivery, err error) Delivery {
	if err != nil {
		return Delivery{Withheld: MailFailed}
	}
	return d
}

// sendAgain begins the mail again. The first time is at once, because its reader waits. Later ones
// follow a growing pause, within the day of the mail.
func (r *Run) sendAgain() {
	pause := max(time.Duration(r.repeats)*retryPause, r.pause)
	r.repeats++
	r.pause = 0
	answer, set := workflow.NewFuture(r.mailing)
	r.mail = answer
	workflow.Go(r.mailing, func(ctx workflow.Context) {
		err := workflow.Sleep(ctx, min(pause, r.timeLeft(ctx)))
		left := r.timeLeft(ctx)
		if err != nil || left <= 0 {
			set.Set(nil, err) // names no mail
			return
		}
		ctx = workflow.WithScheduleToCloseTimeout(mailOptions(ctx, "mail a link"), left)
		if !r.sending.Waits {
			ctx = afterWaiting(ctx)
		}
		set.Chain(workflow.ExecuteActivity(ctx, SendEmail, r.sending.Mail()))
	})
}

// timeLeft is how long the mail is still tried.
func (r *Run) timeLeft(ctx workflow.Context) time.Duration {
	return mailRetry - workflow.Now(ctx).Sub(r.begunAt)
}

// linkMailed starts the link's life again, also when no mail went out: an account without a mail
// must look like any other.
func (r *Run) linkMailed(ctx workflow.Context, d Delivery) statemachine.Event {
	r.mail, r.withheld, r.mailedAt = nil, d.Withheld, workflow.Now(ctx)
	r.restartExpiry(ctx)
	if r.flow.RemindAfter > 0 && r.flow.RemindAfter < r.in.LinkLife && r.mails == 1 && d.Withheld == "" {
		r.reminder = workflow.NewTimerWithOptions(ctx, r.flow.RemindAfter, workflow.TimerOptions{Summary: "the owner gets a reminder"})
	}
	r.tellRequested(ctx, d.Tells, d.Account)
	switch {
	case !d.Expires.IsZero(): // a mail that is withheld as unknown may have arrived
		r.expires = d.Expires
	case d.Withheld == "": // workers of 0.2.0 do not say
		r.expires = r.mailedAt.Add(r.in.LinkLife)
	}
	if d.Withheld != "" {
		return statemachine.LinkWithheld
	}
	return statemachine.LinkSent
}

func (r *Run) restartExpiry(ctx workflow.Context) {
	if r.stopExpiry != nil {
		r.stopExpiry()
	}
	life := r.in.LinkLife + grace
	timer, stop := workflow.WithCancel(ctx)
	r.expiry = workflow.NewTimerWithOptions(timer, life, workflow.TimerOptions{Summary: "the link expires"})
	r.stopExpiry = stop
}

// reminds reports that the reminder is due. A further request has the effect of one, so another
// mail than the first takes its place.
func (r *Run) reminds() bool {
	return r.mail == nil && r.mails == 1 && r.reminder != nil && r.reminder.IsReady()
}

// expired is false while a mail is on its way: its link has a life of its own.
func (r *Run) expired() bool { return r.mail == nil && r.expiry != nil && r.expiry.IsReady() }
