package e2e

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/flow"
)

// owner is the account of a story and the actions of its owner. A method ends the test when
// something is wrong.
type owner struct {
	*lab
	t    *testing.T
	who  account.Account
	id   string // workflow ID
	flow flow.Definition
}

// storyPatience is how long a story waits for an event. A run ends a minute after its links.
const storyPatience = 5 * time.Minute

func (o *owner) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// ask requests a link.
func (o *owner) ask() {
	o.t.Helper()
	forgot(o.t, o.Stack, o.who.Address)
}

// submit uses a link with a password and wants to hear a code, or "" for okay.
func (o *owner) submit(token, password, code string) {
	o.t.Helper()
	o.decided(o.submission(token, password), code)
}

// submission submits until it is decided: until a worker is there, and a wait that an attacker
// has used is armed again. It may run beside the test.
func (o *owner) submission(token, password string) answer {
	for {
		a := postAside(o.Stack, "/account/reset_password", "token", token, "password", password)
		if o.t.Context().Err() != nil || a.code != http.StatusAccepted && a.code != http.StatusServiceUnavailable {
			return a
		}
	}
}

func (o *owner) decided(a answer, code string) {
	o.t.Helper()
	if a.Code != code || code == "" && a.code != http.StatusOK {
		o.t.Fatalf("the answer is %+v, want %q", a, code)
	}
}

// aside submits beside the test, and returns a check of the answer.
func (o *owner) aside(token string) (answered func(code string)) {
	came := make(chan answer, 1)
	go func() { came <- o.submission(token, newPassword) }()
	return func(code string) { o.t.Helper(); o.decided(<-came, code) }
}

// first requests a mail and waits for its link.
func (o *owner) first() (token string) {
	o.t.Helper()
	o.ask()
	return o.link(1)
}

// links requests n mails and waits for the link of each.
func (o *owner) links(n int) []string {
	o.t.Helper()
	all := make([]string, n)
	for i := range all {
		o.ask()
		all[i] = o.link(i + 1)
	}
	return all
}

// token waits for the n-th mail and takes the token of its link.
func (o *owner) token(n int) string {
	o.t.Helper()
	token, _ := tokens(o.t, o.Stack, o.who.Address, n)
	return token
}

// link waits for the n-th link mail to arrive and to be known to the run.
func (o *owner) link(n int) (token string) {
	o.t.Helper()
	return o.linkOf(n, n)
}

// linkOf is link for the n-th mail that is the newest run's link mail of a number.
func (o *owner) linkOf(n, number int) (token string) {
	o.t.Helper()
	token = o.token(n)
	o.until("the timer of a link", func(h *historypb.History) bool { return count(h, enumspb.EVENT_TYPE_TIMER_STARTED) >= number })
	return token
}

// cancel uses the link for "this wasn't me" of the first mail.
func (o *owner) cancel() {
	o.t.Helper()
	_, token := tokens(o.t, o.Stack, o.who.Address, 1)
	o.decided(post(o.t, o.Stack, "/account/cancel_reset", map[string]string{"token": token}), "")
}

func (o *owner) cancelInTemporal() {
	o.t.Helper()
	o.must(o.temporal.CancelWorkflow(o.t.Context(), o.id, ""))
}

// hold lets the mail server keep the next mail to the owner without a word, until it is
// released; then it answers this. It takes all mails after that one.
func (o *owner) hold(answer error) (came <-chan struct{}, release func()) {
	arrived, released := make(chan struct{}), make(chan struct{})
	var taken atomic.Bool
	o.fail(o.who.Address, func(inbox.Message) error {
		if taken.Swap(true) {
			return nil
		}
		close(arrived)
		<-released
		return answer
	})
	release = sync.OnceFunc(func() { close(released) })
	o.t.Cleanup(release) // a story that has failed may not have come to it
	return arrived, release
}

// refuse lets the mail server refuse all mails to an address for now.
func (o *owner) refuse(address string) {
	o.fail(address, func(inbox.Message) error { return inbox.Reply(451, "try again later") })
}

// await waits for an event.
func (o *owner) await(event <-chan struct{}, what string) {
	o.t.Helper()
	process.Happens(o.t, patience, event, what)
}

// until waits until the newest run's history is as wanted.
func (o *owner) until(what string, is func(*historypb.History) bool) {
	o.t.Helper()
	process.Eventually(o.t, storyPatience, what, func() bool { return is(o.history("")) })
}

// hears waits for an event in the history of the newest run.
func (o *owner) hears(what event) {
	o.t.Helper()
	o.until(what.what, func(h *historypb.History) bool {
		return slices.ContainsFunc(h.GetEvents(), func(e *historypb.HistoryEvent) bool { return what.is(h, e) })
	})
}

// heard waits until the run has no workflow task before it, and so has done all that has come
// until now.
func (o *owner) heard() {
	o.t.Helper()
	o.until("the end of all workflow tasks", func(h *historypb.History) bool {
		over := count(h, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) + count(h, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED) +
			count(h, enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT)
		return over == count(h, enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)
	})
}

// retries waits until an activity of the newest run has failed and is tried again.
func (o *owner) retries(activity string) {
	o.t.Helper()
	process.Eventually(o.t, storyPatience, "another attempt at "+activity, func() bool {
		run, err := o.temporal.DescribeWorkflowExecution(o.t.Context(), o.id, "")
		o.must(err)
		return slices.ContainsFunc(run.GetPendingActivities(), func(a *workflowpb.PendingActivityInfo) bool {
			return a.GetActivityType().GetName() == activity && a.GetAttempt() > 1
		})
	})
}

// ended waits for the end of the newest run and returns it with those that it continues,
// the first one first.
func (o *owner) ended() (runs []*historypb.History) {
	o.t.Helper()
	o.until("the end of the run", func(h *historypb.History) bool {
		switch h.GetEvents()[len(h.GetEvents())-1].GetEventType() {
		case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
			enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
			enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
			return true
		default:
			return false // also one that continued: the run that it continued as is the newest
		}
	})
	for id := ""; ; {
		h := o.history(id)
		runs = append(runs, h)
		if id = h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(); id == "" {
			slices.Reverse(runs)
			return runs
		}
	}
}

func (o *owner) history(run string) *historypb.History {
	o.t.Helper()
	h := &historypb.History{}
	for events := o.temporal.GetWorkflowHistory(o.t.Context(), o.id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		o.must(err)
		h.Events = append(h.Events, e)
	}
	return h
}

// newest is the run ID of the newest run.
func (o *owner) newest() string {
	o.t.Helper()
	return o.history("").GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId()
}

// signal signals the run with a caller of an account, and waits until it has heard.
func (o *owner) signal(name string, with any) {
	o.t.Helper()
	o.must(o.temporal.SignalWorkflow(o.t.Context(), o.id, "", name, with))
	o.heard()
}

// complete completes the newest activity of a type in place of its worker.
func (o *owner) complete(activity string, result any) {
	o.t.Helper()
	o.must(o.temporal.CompleteActivityByID(context.WithoutCancel(o.t.Context()), client.DefaultNamespace, o.id, "", o.activity(activity), result, nil))
}

// activity is the ID of the newest activity of a type.
func (o *owner) activity(kind string) (id string) {
	o.t.Helper()
	for _, e := range o.history("").GetEvents() {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == kind {
			id = a.GetActivityId()
		}
	}
	return id
}

func count(h *historypb.History, kind enumspb.EventType) (n int) {
	for _, e := range h.GetEvents() {
		if e.GetEventType() == kind {
			n++
		}
	}
	return n
}
