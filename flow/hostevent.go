package flow

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// HostEventType is the kind of a [HostEvent], as the application reads it.
type HostEventType string

// The events that the application is told of. docs/hosts/events.md has what each means.
const (
	HostPasswordChanged HostEventType = "password.changed"
	HostPasswordSet     HostEventType = "password.set" // the first one
	HostNoticeFailed    HostEventType = "notice.failed"
)

// The events of a run. The kind of its flow stands before them, as in "reset.requested".
const (
	HostRequested HostEventType = ".requested"
	HostCanceled  HostEventType = ".canceled"
	HostRefused   HostEventType = ".refused"
	HostExpired   HostEventType = ".expired"
)

// of is the event of a run of a flow.
func (t HostEventType) of(d Definition) HostEventType { return HostEventType(d.Kind) + t }

// OfRun reports whether the run alone knows of an event. The store confirms the others.
func (t HostEventType) OfRun() bool {
	for _, e := range []HostEventType{HostRequested, HostCanceled, HostRefused, HostExpired} {
		if strings.HasSuffix(string(t), string(e)) {
			return true
		}
	}
	return false
}

// HostEventTypes are the events of a flow.
func (d Definition) HostEventTypes() []HostEventType {
	types := []HostEventType{d.Applied, HostRequested.of(d), HostCanceled.of(d), HostRefused.of(d), HostNoticeFailed}
	if d.Applied == "" {
		types = types[1:]
	}
	if d.TellsExpiry {
		types = append(types, HostExpired.of(d))
	}
	return types
}

// HostEvent is the input of [TellHost], and of Request.Events. A worker that tells the application
// says so in its results; without that no run has one.
type HostEvent struct {
	Type       HostEventType
	Run        string    // the original ID of the run that it is about
	Sender     string    `json:",omitempty"` // ID of the run that sends it
	Submission string    `json:",omitempty"` // of a change, its refusal or its notice
	Account    string    `json:",omitempty"` // empty when it is not known; then nothing is told
	At         time.Time // when it happened
	Until      time.Time // end of the attempts
	GivenUp    bool      `json:",omitempty"` // only to be recorded as not told
}

// Name tells events apart. It is the same on all attempts, after a workflow reset, and for the run
// that follows one which ended from outside.
func (e HostEvent) Name() string { return e.Run + "/" + string(e.Type) + "/" + e.Submission }

// Told is the result of a [HostEvent], which it names.
type Told struct{ Of string }

// tellsHost reports that the run tells the application, by what a result says of its worker. A run
// that passed this point under a release before 0.3 tells nothing. Without a worker that tells, the
// version is not read, and costs nothing.
func tellsHost(ctx workflow.Context, says bool) bool {
	return says && workflow.GetVersion(ctx, "host-is-told", workflow.DefaultVersion, 1) == 1
}

// teller tells the application events beside the work of a run.
type teller struct{ open []*HostEvent } // those that are neither told nor given up

// tell begins with an event. It is tried for a day, unless it has an end.
func (t *teller) tell(ctx workflow.Context, e HostEvent) {
	if e.Until.IsZero() {
		e.Until = workflow.Now(ctx).Add(NoticeDay)
	}
	t.open = append(t.open, &e)
	workflow.Go(ctx, func(ctx workflow.Context) {
		tellHost(ctx, e)
		t.open = slices.DeleteFunc(t.open, func(o *HostEvent) bool { return o == &e })
	})
}

func (t *teller) done() bool { return len(t.open) == 0 }

// mostEvents is how many events a run goes on with. Requests and cancels of anybody add some.
const mostEvents = 50

// pending are the open events, as the next run gets them. Of more than mostEvents the oldest are given
// up at once, those about changes last.
func (t *teller) pending(now time.Time) (pending []HostEvent) {
	for _, e := range t.open {
		pending = append(pending, *e)
	}
	over := len(pending) - mostEvents
	for _, changes := range []bool{false, true} {
		for i, e := range pending {
			if ofChange := !e.Type.OfRun(); over > 0 && ofChange == changes {
				pending[i].Until, over = now, over-1
			}
		}
	}
	return pending
}

// tellHost sends an event until a result names it: every client of the namespace can complete an
// activity. After its day it is given up, in the audit log and for the alert.
func tellHost(ctx workflow.Context, e HostEvent) {
	e.Sender = workflow.GetInfo(ctx).WorkflowExecution.RunID
	left := func() time.Duration { return e.Until.Sub(workflow.Now(ctx)) }
	for n := time.Duration(1); left() > 0; n++ {
		var told Told
		err := workflow.ExecuteActivity(tellOptions(ctx, left()), TellHost, e).Get(ctx, &told)
		if err == nil && told.Of == e.Name() {
			return
		}
		if workflow.Sleep(ctx, min(n*retryPause, left())) != nil {
			return
		}
	}
	e.GivenUp = true
	_ = workflow.ExecuteActivity(recordOptions(ctx, "record the untold event"), TellHost, e).Get(ctx, nil)
}

// tell tells the application an event of this run, if its workers do.
func (r *Run) tell(ctx workflow.Context, what HostEventType, at time.Time, submission string) {
	if r.tells {
		r.events.tell(ctx, HostEvent{Type: what, Run: r.original, Submission: submission, Account: r.account, At: at})
	}
}

// tellRequested tells the application of the request, once: when the first mail of the run was sent
// or withheld, or when its link was used before that. The result of a mail or of a change says
// whether its worker tells the application, and names the account.
func (r *Run) tellRequested(ctx workflow.Context, says bool, account string) {
	if !tellsHost(ctx, says) {
		return
	}
	first := !r.tells
	r.tells, r.account = true, cmp.Or(account, r.account)
	if first {
		r.tell(ctx, HostRequested.of(r.flow), r.begunAt, "")
	}
}

// tellChange tells the application of the verdict.
func (r *Run) tellChange(ctx workflow.Context) {
	r.tellRequested(ctx, r.verdict.Tells, r.verdict.Account)
	if r.verdict.Event == statemachine.ChangeRefused {
		r.tell(ctx, HostRefused.of(r.flow), workflow.Now(ctx), r.accepted.ID)
		return
	}
	if r.flow.Applied != "" {
		r.tell(ctx, r.flow.Applied, r.verdict.Changed, r.accepted.ID)
	}
}

// tellUntold tells the application that no address took a notice, when the store said so.
func (t *teller) tellUntold(ctx workflow.Context, n Notice, d Delivery) {
	if tellsHost(ctx, d.Tells) {
		t.tell(ctx, HostEvent{
			Type: HostNoticeFailed, Run: n.Run, Submission: n.Submission, Account: n.Account, At: workflow.Now(ctx),
		})
	}
}
