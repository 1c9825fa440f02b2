package workflow

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// run is a reset in progress. Its fields are rebuilt from the history whenever a
// worker picks the run up.
type run struct {
	in       Request
	id       string // run ID
	original string // run ID before any workflow reset
	machine  *statemachine.Machine[statemachine.State, statemachine.Event]
	canceled func() bool // in Temporal
	requests workflow.ReceiveChannel
	disowns  workflow.ReceiveChannel
	disowner *Caller // who called the reset off by a signal, nil when nobody did

	wait  workflow.Future // for a submission; one is open while a link can be used
	waits int

	mail     workflow.Future    // the link mail that is on its way, nil when none is
	sending  Mail               // which one that is, or was
	begunAt  time.Time          // when it was asked for
	repeats  int                // how often it was begun again
	pause    time.Duration      // before it is, at least
	kept     statemachine.State // what the run is kept waiting for, as it told operators
	mails    int                // link mails begun
	mailedAt time.Time
	mailing  workflow.Context // of link mails, ended by stopMail
	stopMail workflow.CancelFunc

	expiry     workflow.Future // fires when the newest link has ended; nil before the first mail
	stopExpiry workflow.CancelFunc
	expires    time.Time // when the newest link ends, for operators

	submittedAt time.Time // when the wait was last over

	accepted Submission
	verdict  Verdict
	withheld Reason
	owed     []*debt
	untold   bool // the notice has reached nobody

	late *Caller // who asked when all links had ended; another run answers
	vain int     // requests that mailed nothing

	history []transition
}

// await mails the first link and waits. If several things have happened, the first
// case wins: a disowned link changes nothing, and a link that was used in time
// counts although its timer has fired too. (A Selector would take them in the order
// of the history, and expire a submission that was accepted.)
func (r *run) await(ctx workflow.Context) (statemachine.Event, error) {
	r.arm(ctx)
	if r.mails == 0 {
		r.requestedAgain() // what came with the start is the start
		r.sendLink(ctx, Caller{Client: r.in.Client, Operator: r.in.Operator})
	}
	for {
		if err := workflow.Await(ctx, r.somethingHappened); err != nil {
			return "", err
		}
		switch {
		case r.canceled(), r.disowned():
			return statemachine.Cancel, nil
		case r.wait.IsReady():
			r.submittedAt = workflow.Now(ctx)
			return statemachine.TokenSubmitted, nil
		case r.mailDone():
			if d, ours := r.delivered(ctx); ours {
				return r.linkMailed(ctx, d), nil
			}
			r.sendAgain()
		case r.requests.Len() > 0 && r.answered(ctx):
		default:
			return statemachine.Expire, nil
		}
	}
}

func (r *run) somethingHappened() bool {
	return r.canceled() || r.disowned() || r.wait.IsReady() || r.mailDone() || r.requests.Len() > 0 || r.expired()
}

// arm opens the wait if none is open. It is open before the mail goes out: a link
// can be used as soon as it can be read.
func (r *run) arm(ctx workflow.Context) {
	if r.wait != nil {
		return
	}
	r.waits++
	r.wait = workflow.ExecuteActivity(waiting(ctx, r.in, r.waits), AwaitTokenSubmission)
}

// linkMailed starts the link's life again, also when no mail went out: an account
// that gets none must look like any other.
func (r *run) linkMailed(ctx workflow.Context, d Delivery) statemachine.Event {
	r.mail, r.withheld, r.mailedAt = nil, d.Withheld, workflow.Now(ctx)
	r.restartExpiry(ctx)
	if !d.Expires.IsZero() {
		r.expires = d.Expires
	}
	if d.Withheld != "" {
		return statemachine.LinkWithheld
	}
	return statemachine.LinkSent
}

func (r *run) restartExpiry(ctx workflow.Context) {
	if r.stopExpiry != nil {
		r.stopExpiry()
	}
	life := r.in.LinkLife + grace
	timer, stop := workflow.WithCancel(ctx)
	r.expiry = workflow.NewTimerWithOptions(timer, life, workflow.TimerOptions{Summary: "the link expires"})
	r.stopExpiry = stop
}

// expired is false while a mail is on its way: its link has a life of its own.
func (r *run) expired() bool { return r.mail == nil && r.expiry != nil && r.expiry.IsReady() }

// disowned takes the signals of who used the link for "this wasn't me", and of operators.
// Which run is meant cannot be asked here: a workflow reset replays the signal under another
// run ID.
func (r *run) disowned() bool {
	for {
		var c Caller
		if !r.disowns.ReceiveAsync(&c) {
			return r.disowner != nil
		}
		if c.AccountKey == r.in.AccountKey && r.disowner == nil {
			r.disowner = &c
		}
	}
}

// changePassword applies the accepted submission. The store makes it atomic and
// idempotent, so it is repeated until there is a verdict of ours; what a stranger
// puts in its place is no verdict.
func (r *run) changePassword(ctx workflow.Context) (statemachine.Event, error) {
	if err := r.wait.Get(ctx, &r.accepted); err != nil || r.accepted.ID == "" {
		return r.nobodys(), nil //nolint:nilerr // a failure of the wait is a stranger's
	}
	for {
		var v Verdict
		change := Change{Run: r.original, Sender: r.id, Submission: r.accepted, Waits: r.kept == ""}
		err := workflow.ExecuteActivity(changing(ctx), ChangePassword, change).Get(ctx, &v)
		switch ours := err == nil && v.Submission == r.accepted.ID && r.isMeant(ctx, v); {
		case ours && v.Event == statemachine.TokenUnknown:
			return r.nobodys(), nil
		case ours:
			r.verdict = v
			r.countRedeemed(ctx)
			return v.Event, nil
		case err == nil && r.isKeptWaiting(ctx, change, v):
			r.waitFor(ctx, v.Waits)
			continue
		}
		if err := workflow.Sleep(ctx, again); err != nil {
			return "", err
		}
	}
}

// isKeptWaiting reports that a change is not decided, and that the run is to say what for.
func (r *run) isKeptWaiting(ctx workflow.Context, c Change, v Verdict) bool {
	return v.Waits != "" && v.Run == r.original && c.Waits && saysWaiting(ctx)
}

// isMeant reports whether a verdict is about this run. What 0.2.0 decided does not say which
// run it is about, and was believed.
func (r *run) isMeant(ctx workflow.Context, v Verdict) bool {
	return v.Run == r.original ||
		v.Run == "" && workflow.GetVersion(ctx, "verdict-names-its-run", workflow.DefaultVersion, 1) == workflow.DefaultVersion
}

// nobodys forgets a submission that no link of ours made; the wait is armed again.
func (r *run) nobodys() statemachine.Event {
	r.wait, r.accepted = nil, Submission{}
	return statemachine.TokenUnknown
}

// recordCancel notes who called the reset off. The reset is over whether that works or
// not.
func (r *run) recordCancel(ctx workflow.Context) {
	r.stopMail() // the run may stay open, and nobody is to get a link of it
	c := Cancellation{Run: r.original, Sender: r.id, Address: r.in.Address, At: workflow.Now(ctx)}
	if r.disowner != nil {
		c.Link, c.Client = r.disowner.Link, r.disowner.Client
		c.Operator, c.Meant = r.disowner.Operator, r.disowner.Run
	}
	left := recordRetry // for all attempts together
	for n := range tries {
		attempt := workflow.WithScheduleToCloseTimeout(recording(ctx, "note who canceled"), left)
		err := workflow.ExecuteActivity(attempt, RecordCancel, c).Get(ctx, nil)
		pause := time.Duration(n) * again
		left = recordRetry - workflow.Now(ctx).Sub(c.At) - pause
		// What 0.2.0 could not note it gave up.
		if err == nil || n == tries-1 || left <= 0 ||
			workflow.GetVersion(ctx, "cancel-is-noted-again", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			return
		}
		if workflow.Sleep(ctx, pause) != nil {
			return
		}
	}
}

func (r *run) outcome() Outcome {
	return Outcome{
		State: r.machine.State(), Accepted: r.accepted.ID,
		Mails: r.mails, Withheld: r.withheld, Refused: r.verdict.Reason, Run: r.original,
	}
}
