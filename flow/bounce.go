package flow

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// BounceKind is what became of a mail that had been sent.
type BounceKind string

// The kinds of a [Bounce].
const (
	// MailBounced means that a mail server behind the first one did not deliver the mail.
	MailBounced BounceKind = "bounce"
	// MailComplaint means that the reader of the mail called it spam.
	MailComplaint BounceKind = "complaint"
)

// BounceKinds are all kinds.
func BounceKinds() []BounceKind { return []BounceKind{MailBounced, MailComplaint} }

// Bounce is the value of [BounceSignal]. A payload sealed for one account can be copied to a run of
// another, so it names the account.
type Bounce struct {
	AccountKey string
	Run        string // ID of the run that mailed; another one of the account may get the signal
	Kind       BounceKind
}

// Bounced is the input of [NoteBounce].
type Bounced struct {
	Run     string // the run's original ID
	Sender  string // ID of the run that notes it
	Address string
	Kind    BounceKind
	At      time.Time
}

// takeBounces takes all bounce signals and shows their numbers. A run notes [MaxMails] of each kind:
// a provider repeats itself, and everybody with access to the namespace can copy a signal.
func (r *Run) takeBounces(ctx workflow.Context) {
	for {
		var b Bounce
		if !r.bounces.ReceiveAsync(&b) {
			return
		}
		if b.AccountKey != r.in.AccountKey || b.Kind != MailBounced && b.Kind != MailComplaint {
			continue
		}
		r.bounced[b.Kind]++
		workflow.SetCurrentDetails(ctx, r.details())
		if r.bounced[b.Kind] <= MaxMails && notesBounces(ctx) {
			r.noteBounce(ctx, b.Kind)
		}
	}
}

// notesBounces is false for a run that passed this point under a release before 0.3, whose worker
// ignored the signal. Without a bounce the version is not read, and costs nothing.
func notesBounces(ctx workflow.Context) bool {
	return workflow.GetVersion(ctx, "bounces-are-noted", workflow.DefaultVersion, 1) == 1
}

// noteBounce records a bounce beside the work of the run.
func (r *Run) noteBounce(ctx workflow.Context, kind BounceKind) {
	b := Bounced{Run: r.original, Sender: r.id, Address: r.in.Address, Kind: kind, At: workflow.Now(ctx)}
	r.noting++
	workflow.Go(ctx, func(ctx workflow.Context) {
		_ = workflow.ExecuteActivity(recordOptions(ctx, "record a mail that bounced"), NoteBounce, b).Get(ctx, nil)
		r.noting--
	})
}
