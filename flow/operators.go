package flow

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/statemachine"
)

// Summary and Details are the texts of every run in Temporal's UI, without a worker and without a
// key. They are the same for all runs, so they need no seal.
const (
	Summary = "password reset"
	// InvitationSummary and ForcedResetSummary are those of other flows.
	InvitationSummary  = "invitation"
	ForcedResetSummary = "forced password reset"
	// ForceAllSummary is that of the run which begins many forced resets.
	ForceAllSummary = "forced password resets of many accounts"
	Details         = "The run waits until its link is used, canceled or expired. " +
		"**RekeyState** shows its result, or the cause of a delay.\n\n" +
		"| pending activity | meaning |\n|---|---|\n" +
		"| `await-token-submission` alone | the link is mailed or withheld: normal |\n" +
		"| `send-email` | mail in progress, up to a day; its last failure type is the cause: `mail_deferred_connect`, `mail_deferred_4xx`, `store_away` |\n" +
		"| `change-password` | rekey applies an accepted password, and retries until the store answers |\n\n" +
		"`rekey find` shows resets by address, and why no link was mailed."

	// FinishSummary is the Summary of FinishReset.
	FinishSummary = "the end of a password reset"
)

// IsPublic reports that a text is one of those: a client need not seal it.
func IsPublic(text string) bool {
	return slices.Contains([]string{Summary, InvitationSummary, ForcedResetSummary, ForceAllSummary, Details, FinishSummary}, text)
}

// WaitsAfter is how long a mail or a change is tried until its run shows that it is kept waiting.
// The activity reports it once, in a sealed result. A timer would be an Action of every reset,
// also of one that waits for nothing.
const WaitsAfter = 2 * time.Minute

// transition is one line of the run's details.
type transition struct {
	at    time.Time
	event string
	to    statemachine.State
}

// show counts a transition and notes it in the run's current details, which the Temporal
// UI renders as Markdown. Nothing there is an address or a secret.
func (r *Run) show(ctx workflow.Context, event string) {
	r.count(ctx, event)
	r.history = append(r.history, transition{workflow.Now(ctx), event, r.machine.State()})
	workflow.SetCurrentDetails(ctx, r.details())
}

func (r *Run) details() string {
	d := fmt.Appendf(nil, "**State:** `%s`\n\n**Mails:** %d of %d", r.machine.State(), r.mails, MaxMails)
	if r.withheld != "" {
		d = fmt.Appendf(d, "; the last was withheld (`%s`)", r.withheld)
	}
	if !r.expires.IsZero() {
		d = fmt.Appendf(d, "\n\n**The last link expires:** %s", stamp(r.expires))
	}
	if r.passedOver > 0 {
		d = fmt.Appendf(d, "\n\n**Requests without another mail:** %d", r.passedOver)
	}
	if n := r.bounced[MailBounced]; n > 0 {
		d = fmt.Appendf(d, "\n\n**Mails that bounced:** %d", n)
	}
	if n := r.bounced[MailComplaint]; n > 0 {
		d = fmt.Appendf(d, "\n\n**Complaints about mails:** %d", n)
	}
	if r.verdict.Reason != "" {
		d = fmt.Appendf(d, "\n\n**The change was refused:** %s", r.verdict.Reason)
	}
	if r.noticeFailed {
		d = append(d, "\n\n**Password changed, but no address was notified.**"...)
	}
	if pending := r.pendingNotices(); len(pending) > 0 {
		d = fmt.Appendf(d, "\n\n**Addresses to notify:** %d", addresses(pending))
	}
	d = append(d, "\n\n| time | event | state |\n|---|---|---|\n"...)
	for _, t := range r.history {
		d = fmt.Appendf(d, "| %s | `%s` | `%s` |\n", stamp(t.at), t.event, t.to)
	}
	return string(d)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func addresses(pending []Mail) (n int) {
	for _, m := range pending {
		n += len(m.To)
	}
	return n
}

// count counts a transition by its event and the state that it led to. Metrics leave nothing in
// the history, and a replay counts nothing again. A workflow task can be repeated: its worker was
// killed, or a signal came at the close. It counts again then, so this is not for accounting.
func (r *Run) count(ctx workflow.Context, event string) {
	labels := map[string]string{"flow": r.flow.Kind, "event": event, "state": string(r.machine.State())}
	workflow.GetMetricsHandler(ctx).WithTags(labels).Counter("rekey_transitions").Inc(1)
}

// countRedeemed measures from the last mail that a mail server accepted to the submission. A
// link that was used before the run heard of its mail is not counted.
func (r *Run) countRedeemed(ctx workflow.Context) {
	if r.verdict.Event != statemachine.ChangeRefused && !r.expires.IsZero() {
		workflow.GetMetricsHandler(ctx).Timer("rekey_time_to_redeem").Record(r.submittedAt.Sub(r.mailedAt))
	}
}

// showState sets the search attribute to the state. Each upsert is a billable action, so a run has
// one, at its end; the start brings the first value along. A run that is kept waiting has two
// more, see showWaiting.
func (r *Run) showState(ctx workflow.Context) { setAttribute(ctx, r.machine.State()) }

func setAttribute(ctx workflow.Context, state statemachine.State) {
	err := workflow.UpsertTypedSearchAttributes(ctx, StateAttribute.ValueSet(string(state)))
	if err != nil {
		panic(err) // only a wrong key or value makes one: a bug of this package, as in fire
	}
}

// showsWaiting reports that this run shows why it is kept waiting. A run that passed
// this point under a release before 0.3 does not.
func showsWaiting(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "run-says-what-it-waits-for", workflow.DefaultVersion, 1) == 1
}

// showWaiting shows operators why the run is kept waiting.
func (r *Run) showWaiting(ctx workflow.Context, what statemachine.State) {
	if what != WaitingForMail && what != WaitingForStore {
		what = WaitingForStore
	}
	r.waitingFor = what
	setAttribute(ctx, what)
}

// endWaiting takes that back, unless the run is over and shows its end.
func (r *Run) endWaiting(ctx workflow.Context) {
	if r.waitingFor != "" && !r.machine.Final() {
		setAttribute(ctx, statemachine.StateRequested)
	}
	r.waitingFor = ""
}

// afterWaiting has the retries of a mail that was kept waiting: it was tried several times
// already.
func afterWaiting(ctx workflow.Context) workflow.Context {
	return workflow.WithRetryPolicy(ctx, temporal.RetryPolicy{
		InitialInterval: WaitsAfter, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute,
	})
}
