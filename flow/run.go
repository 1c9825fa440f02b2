package flow

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// Run is a run in progress. Its fields are rebuilt from the history whenever a worker picks the
// run up.
type Run struct {
	flow     Definition
	in       Request
	id       string // run ID
	original string // run ID before any workflow reset
	machine  *statemachine.Machine[statemachine.State, statemachine.Event]
	canceled func() bool // in Temporal
	requests workflow.ReceiveChannel
	disowns  workflow.ReceiveChannel
	bounces  workflow.ReceiveChannel
	disowner *Caller // sender of the first cancel by a signal, nil without one

	wait  workflow.Future // for a submission; one is open while a link can be used
	waits int

	mail       workflow.Future    // the link mail in progress, nil without one
	sending    LinkMail           // the newest link mail
	begunAt    time.Time          // of the newest link mail
	repeats    int                // how often it was begun again
	pause      time.Duration      // before it is, at least
	waitingFor statemachine.State // why the run is kept waiting, for operators
	mails      int                // link mails begun
	mailedAt   time.Time
	mailing    workflow.Context // of link mails, ended by stopMail
	stopMail   workflow.CancelFunc

	expiry     workflow.Future // fires when the newest link has ended; nil before the first mail
	stopExpiry workflow.CancelFunc
	expires    time.Time       // when the newest link ends; zero before a link was mailed
	reminder   workflow.Future // fires when the reminder is due; nil in flows without one

	submittedAt time.Time // when the wait was last over

	accepted     Submission
	verdict      Verdict
	withheld     Reason
	background   []*pendingNotice
	events       teller
	tells        bool   // workers tell the application events
	account      string // of the address, as the last mail found it; known only if tells
	noticeFailed bool   // it has reached no address

	lateCaller *Caller // of a request after the end of all links; another run answers
	passedOver int     // requests that mailed nothing

	bounced map[BounceKind]int // signals
	noting  int                // of them that are being recorded

	history []transition
}

// Request returns the input of the run.
func (r *Run) Request() Request { return r.in }

// begin makes the run and the context of its work, which a cancel does not reach. A cancel is an
// event like any other. It counts until a submission is accepted and never cuts work short.
func begin(ctx workflow.Context, d Definition, in Request) (*Run, workflow.Context) {
	detached, _ := workflow.NewDisconnectedContext(ctx)
	r := &Run{
		flow:     d,
		in:       in,
		machine:  statemachine.New(d.Table),
		requests: workflow.GetSignalChannel(ctx, RequestSignal),
		disowns:  workflow.GetSignalChannel(ctx, DisownSignal),
		bounces:  workflow.GetSignalChannel(ctx, BounceSignal),
		bounced:  map[BounceKind]int{},
		canceled: func() bool { return ctx.Err() != nil },
		id:       workflow.GetInfo(ctx).WorkflowExecution.RunID,
		original: cmp.Or(workflow.GetInfo(ctx).OriginalRunID, workflow.GetInfo(ctx).WorkflowExecution.RunID),
	}
	r.mailing, r.stopMail = workflow.WithCancel(detached)
	r.show(detached, "requested")
	if in.Previous != nil {
		r.showState(detached) // the attribute still says how the previous run ended
	}
	for _, m := range in.Owed {
		r.deliverInBackground(detached, m.Notice())
	}
	for _, e := range in.Events {
		r.events.tell(detached, e)
	}
	return r, detached
}

// whenSettled answers the outcome update. A run that is being canceled still
// answers, hence the disconnected context.
func (r *Run) whenSettled(ctx workflow.Context) (Outcome, error) {
	ctx, _ = workflow.NewDisconnectedContext(ctx)
	if err := workflow.Await(ctx, r.machine.Settled); err != nil {
		return Outcome{}, err
	}
	return r.outcome(), nil
}

func (r *Run) outcome() Outcome {
	return Outcome{
		State: r.machine.State(), Accepted: r.accepted.ID,
		Mails: r.mails, Withheld: r.withheld, Refused: r.verdict.Reason, Run: r.original,
	}
}

// openWait opens the wait for a submission if none is open.
func (r *Run) openWait(ctx workflow.Context) {
	if r.wait != nil {
		return
	}
	r.waits++
	r.wait = workflow.ExecuteActivity(waitOptions(ctx, r.in, r.waits), AwaitTokenSubmission)
}

// takeDisowns takes the signals of "this wasn't me" and of operators; the first for this account
// counts. The run ID in a signal is not compared: a workflow reset replays the signal under
// another run ID.
func (r *Run) takeDisowns() {
	for {
		var c Caller
		if !r.disowns.ReceiveAsync(&c) {
			return
		}
		if c.AccountKey == r.in.AccountKey && r.disowner == nil {
			r.disowner = &c
		}
	}
}

// recordCancel records the caller of the cancel. The reset is over also when that fails.
func (r *Run) recordCancel(ctx workflow.Context) {
	r.stopMail() // the run may stay open, and no link of it may go out
	c := Cancellation{Run: r.original, Sender: r.id, Address: r.in.Address, At: workflow.Now(ctx)}
	if r.disowner != nil {
		c.LinkRun, c.Client = r.disowner.LinkRun, r.disowner.Client
		c.Operator, c.Meant = r.disowner.Operator, r.disowner.Run
	}
	left := recordRetry // for all attempts together
	for n := range tries {
		attempt := workflow.WithScheduleToCloseTimeout(recordOptions(ctx, "record the cancel"), left)
		err := workflow.ExecuteActivity(attempt, RecordCancel, c).Get(ctx, nil)
		pause := time.Duration(n) * retryPause
		left = recordRetry - workflow.Now(ctx).Sub(c.At) - pause
		// Runs of 0.2.0 gave up after one attempt.
		if err == nil || n == tries-1 || left <= 0 ||
			workflow.GetVersion(ctx, "cancel-is-noted-again", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			return
		}
		if workflow.Sleep(ctx, pause) != nil {
			return
		}
	}
}
