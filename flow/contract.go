package flow

import (
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/statemachine"
)

// The names that a starter, a worker and an operator's tools must agree on.
// They are in the history of every run, so a change here is a change of the
// workflow.
const (
	// TaskQueue is where workers find runs and activities, unless they are given another one.
	TaskQueue = "rekey"
	// MailQueue is where workers of TaskQueue find mails to send, so that those which a mail
	// server keeps waiting hold up nothing else.
	MailQueue = "rekey-mail"
	// FinishName is the workflow type of the run that follows one which ended from outside.
	FinishName = "FinishReset"

	// SendEmail, AwaitTokenSubmission, ChangePassword and RecordCancel are the activity
	// types of a reset, EndReset and GiveUpNotice those of its end. TellHost tells the application
	// an event, where it wants to be told. NoteBounce records a mail that bounced.
	SendEmail            = "send-email"
	AwaitTokenSubmission = "await-token-submission"
	ChangePassword       = "change-password"
	RecordCancel         = "record-cancel"
	EndReset             = "end-reset"
	GiveUpNotice         = "give-up-notice"
	TellHost             = "tell-host"
	NoteBounce           = "note-bounce"

	// RequestSignal is a further request for a link. It carries a [Caller].
	RequestSignal = "request"
	// DisownSignal cancels a reset. "This wasn't me" in a mail sends it, and so does an operator,
	// who is then named. It carries a [Caller].
	DisownSignal = "disown"

	// BounceSignal tells a run that a mail bounced, or that its reader complained. It carries a
	// [Bounce].
	BounceSignal = "bounce"

	// OutcomeUpdate is answered with an [Outcome] as soon as the run has settled the password
	// question. All callers use the update ID OutcomeUpdateID. So a run holds one update for any
	// number of callers, and keeps it after its end.
	OutcomeUpdate   = "outcome"
	OutcomeUpdateID = "outcome"
)

// The types of the failures of activities. They are in clear, so an operator knows without a key
// why a run waits. No code depends on them. Mails have [MailFailure] and a suffix.
const (
	// StoreAway means that the account store does not answer, or refuses a query.
	StoreAway = "store_away"
	// MailFailure begins the types of mails that were not accepted, or may have been:
	// mail_deferred_connect, mail_deferred_4xx, mail_unknown_content and the like.
	MailFailure = "mail_"
	// HostAway means that the application was not told an event, or that this worker tells none.
	HostAway = "host_away"
	// KeyMissing means that the worker lacks the key that something is sealed under.
	KeyMissing = "key_missing"
	// WorkerStops means that the worker stopped meanwhile. Another one goes on.
	WorkerStops = "worker_stops"
)

// Activities are the names of the activities of this package. A flow may have further ones, see
// [Run.Decide].
func Activities() []string {
	return []string{SendEmail, AwaitTokenSubmission, ChangePassword, RecordCancel, EndReset, GiveUpNotice, TellHost, NoteBounce}
}

// Values are pointers to the types whose values cross Temporal.
func Values() []any {
	return []any{
		&Request{}, &Caller{}, &Cancellation{}, &Mail{}, &Delivery{},
		&Submission{}, &Change{}, &Verdict{}, &Outcome{}, &Ending{}, &Ended{},
		&HostEvent{}, &Told{}, &Question{}, &Decision{}, &Bounce{}, &Bounced{},
	}
}

// MaxMails is the most links that one run mails. They suffice for a mail in the spam folder, and
// do not flood an inbox.
const MaxMails = 3

// ApplyWithin is how old an accepted submission may get before it is applied. A day later the
// owner has long requested another link, and an old password would be a surprise.
const ApplyWithin = 24 * time.Hour

// NoticeDay is how long a notice is tried, and an event for the application.
const NoticeDay = 24 * time.Hour

// Heartbeat is how often a long activity reports that it runs. Its worker counts as dead, and
// another attempt begins, when three of them are missing. A shorter activity sends none: a
// heartbeat is a billed call.
const Heartbeat = 5 * time.Second

// DeadlockAfter is how long workflow code may run without yielding before a worker takes it for
// stuck. No code here computes for milliseconds. On a busy machine a thread can still wait longer
// than the second that the SDK allows by default.
const DeadlockAfter = 5 * time.Second

// StateAttribute is the search attribute with the final [statemachine.State] of a run. Of an open
// run it is "requested", [WaitingForMail] or [WaitingForStore]. It must be registered in the
// namespace before the first run: `rekey setup` does that.
var StateAttribute = temporal.NewSearchAttributeKeyKeyword("RekeyState")

// The values of StateAttribute that are no state of the machine. A mail, or a change, has waited
// for two minutes. They are for operators, and decide nothing.
const (
	WaitingForMail  statemachine.State = "waiting_for_mail"
	WaitingForStore statemachine.State = "waiting_for_store"
)

// Going reports that a value of StateAttribute is one that a reset has before its end.
func Going(s statemachine.State) bool {
	return s == statemachine.StateRequested || s == WaitingForMail || s == WaitingForStore
}

// AccountKey is the account key in a workflow ID that [Definition.ID] made.
func AccountKey(workflowID string) string {
	return workflowID[strings.IndexByte(workflowID, '/')+1:]
}

// waitID is the activity ID of the n-th wait of a run, from 1. The first has no number. A
// completion of a wait without a link opens the next one.
func waitID(n int) string {
	if n == 1 {
		return AwaitTokenSubmission
	}
	return AwaitTokenSubmission + "-" + strconv.Itoa(n)
}

// Request is the input of a run.
type Request struct {
	Address    string // normalized by account.ParseAddress
	AccountKey string // keyed hash of Address; ends the workflow ID

	LinkLife time.Duration // how long a mailed link can be used
	// MailPause is how long after a mail another request mails nothing.
	MailPause time.Duration `json:"CoolDown"`

	// Client is the network address of the first caller, or Operator their name, for the audit
	// log.
	Client   string `json:",omitempty"`
	Operator string `json:",omitempty"`
	// Previous is the outcome of the run that this one continues, nil for the first.
	Previous *Outcome `json:",omitempty"`
	// Owed are the notices of earlier resets that have not reached every address yet.
	Owed []Mail `json:",omitempty"`
	// Events are those of earlier resets that the application was not told yet.
	Events []HostEvent `json:",omitempty"`
	// Flow is [Definition.Mark]. The sealed request of one flow can be copied into another.
	Flow string `json:",omitempty"`
	// Note is a text for the mail: who invites, or why a password has to be changed.
	Note string `json:",omitempty"`
	// Order names the demand of a forced reset, and At is its time. The store executes an order once,
	// and none that is older than [ApplyWithin]. Anybody with access to the namespace can copy it.
	Order string    `json:",omitempty"`
	At    time.Time `json:",omitzero"`
	// Locale is the language of the caller's browser (account.ParseLocale), and Asked the time of the
	// request, in whole minutes. Both are for the mail.
	Locale string    `json:",omitempty"`
	Asked  time.Time `json:",omitzero"`
}

// Caller is the sender of a signal, for the audit log. A payload sealed for one account can be
// copied to a run of another, so it names the account. It has a Client or, of an operator, an
// Operator.
type Caller struct {
	AccountKey string
	LinkRun    string `json:"Link,omitempty"` // run ID inside the link; a request has none
	Client     string `json:",omitempty"`     // network address
	Operator   string `json:",omitempty"`     // name
	Run        string `json:",omitempty"`     // run ID that an operator cancels
	// Locale and Asked are those of a [Request].
	Locale string    `json:",omitempty"`
	Asked  time.Time `json:",omitzero"`
}

// Cancellation is a cancel of a reset, for the audit log.
type Cancellation struct {
	Run     string // the run's original ID
	Sender  string `json:",omitempty"` // ID of the run that records it
	Address string
	At      time.Time
	LinkRun string `json:"Link,omitempty"` // run ID inside the link that was used; empty in Temporal
	Client  string `json:",omitempty"`     // its user

	Operator string `json:",omitempty"` // name, for a cancel of the run Meant
	Meant    string `json:",omitempty"`
}

// Mail is a [LinkMail] or a [Notice] on the wire, as the input of [SendEmail] and
// [GiveUpNotice] and in Request.Owed. A Notice has an Account.
type Mail struct {
	Number     int
	Run        string
	Sender     string        `json:",omitempty"`
	Life       time.Duration `json:",omitempty"`
	Address    string        `json:",omitempty"`
	Account    string        `json:",omitempty"`
	Changed    time.Time     `json:",omitzero"`
	Client     string        `json:",omitempty"`
	Operator   string        `json:",omitempty"`
	To         []string      `json:",omitempty"`
	Until      time.Time     `json:",omitzero"`
	Submission string        `json:",omitempty"`
	Waits      bool          `json:",omitempty"`
	Flow       string        `json:",omitempty"` // Definition.Kind; empty for a reset
	Note       string        `json:",omitempty"` // Request.Note
	Locale     string        `json:",omitempty"` // of the caller
	Asked      time.Time     `json:",omitzero"`  // when the caller asked
}

// Delivery is the result of a [Mail].
type Delivery struct {
	Withheld Reason    `json:",omitempty"` // why no mail went out; empty when one did
	Expires  time.Time `json:",omitzero"`  // end of the mailed link, or of copies that may have arrived

	// Mail is the name of the link, or Notice the Run of the notice. The sealed result of one run
	// can be copied into another, so a result names its mail.
	Mail   string `json:",omitempty"`
	Notice string `json:",omitempty"`
	// Left are the addresses that the notice has not reached yet, while it has reached others.
	Left []string `json:",omitempty"`

	// Waits is the reason of a wait: the mail did not go out, and is to be begun again after a
	// Pause. Of has then the value of Mail or Notice. A build without the field takes the result
	// for another run's, and begins the mail again.
	Waits statemachine.State `json:",omitempty"`
	Of    string             `json:",omitempty"`
	Pause time.Duration      `json:",omitempty"`

	// Tells means that the worker tells the application events. Of a link, Account is then the
	// account of the address. Of a notice that was given up, it means that no address took it.
	Tells   bool   `json:",omitempty"`
	Account string `json:",omitempty"`
}

// Reason is why no link was mailed. It is for operators; over HTTP an account without a mail looks
// like any other.
type Reason string

// Why a link was withheld.
const (
	NoAccount     Reason = "no_account"
	Ambiguous     Reason = "ambiguous" // more than one account has the address
	Disabled      Reason = "disabled"
	NotResettable Reason = "not_resettable" // no password of its own, or not allowed
	// HashUnsupported means that rekey makes no hash of the kind of the old one.
	HashUnsupported Reason = "hash_unsupported"
	MailLimit       Reason = "mail_limit"   // the account's bucket of mails is empty
	MailRefused     Reason = "mail_refused" // the mail server refuses the recipient
	MailFailed      Reason = "mail_failed"  // no mail server accepted it for a day
	MailUnknown     Reason = "mail_unknown" // its copies may have arrived, and no more go out
	HasPassword     Reason = "has_password" // of an invitation: the account has a password
	NoChange        Reason = "no_change"    // of a notice: the store remembers no such change
)

// Submission completes a run's wait with a new password, hashed and sealed so
// that only a worker's activity can read it.
type Submission struct {
	ID      string // the same for the same link and password
	LinkRun string `json:"Link"` // run ID inside the link; with the workflow ID the seal's context
	Sealed  []byte // a keys.NewPassword
}

// SealContext binds the seal of a submission to the run that it was made for.
func (s Submission) SealContext(workflowID string) string { return workflowID + "/" + s.LinkRun }

// Change is the input of ChangePassword, for an accepted submission.
type Change struct {
	Run        string // the run's original ID
	Sender     string `json:",omitempty"` // ID of the run that sends it
	Submission Submission
	// Waits asks for a result when the change is kept waiting.
	Waits bool   `json:",omitempty"`
	Flow  string `json:",omitempty"` // Definition.Kind; empty for a reset
	// Locale is that of the newest request, for the notice.
	Locale string `json:",omitempty"`
}

// Verdict is the store's decision about a [Change]. It is a sealed result and not an error: every
// client of Temporal can fail an activity with an error of any name. It names its run and its
// submission, because the sealed result of one run can be copied into another, and the submission
// with it.
type Verdict struct {
	Event      statemachine.Event // password_changed, applied, change_refused or token_unknown
	Run        string             `json:",omitempty"` // Change.Run
	Submission string             // ID of its submission
	Account    string             `json:",omitempty"` // whose password was changed
	Changed    time.Time          `json:",omitzero"`
	Reason     string             `json:",omitempty"` // why it was refused, for operators
	// Waits is the reason of a wait. The change is undecided then: Submission is empty.
	Waits statemachine.State `json:",omitempty"`
	Tells bool               `json:",omitempty"` // the worker tells the application events
}

// Question is the input of an activity that decides a state, see [Run.Decide].
type Question struct {
	Run      string // the run's original ID
	Sender   string // ID of the run that sends it
	Flow     string // Definition.Kind
	Address  string
	Client   string    `json:",omitempty"` // network address of the caller
	Operator string    `json:",omitempty"` // or the operator's name
	Note     string    `json:",omitempty"` // Request.Note
	Order    string    `json:",omitempty"` // Request.Order
	At       time.Time `json:",omitzero"`  // Request.At
}

// Decision is the result of a [Question]. It names its run, because the sealed result of one run can
// be copied into another.
type Decision struct {
	Run    string // Question.Run
	Event  statemachine.Event
	Reason string `json:",omitempty"` // why it was refused, for operators
	// Tells and Account are those of a [Delivery], of a refusal.
	Tells   bool   `json:",omitempty"`
	Account string `json:",omitempty"`
}

// Outcome is the answer to the password question of a run. It names its run, because the sealed
// outcome of one run can be copied into another.
type Outcome struct {
	State    statemachine.State
	Accepted string `json:",omitempty"` // ID of the submission that was accepted
	Mails    int    // link mails that were tried
	Withheld Reason `json:",omitempty"` // why the last link was not mailed
	Refused  string `json:",omitempty"` // why the change was refused
	// Ended means that the run ended from outside and, by the store's answer, changed nothing.
	Ended bool `json:",omitempty"`
	// Run is the run's original ID, and of FinishReset Ending.Run. It is empty in outcomes of
	// 0.2.0.
	Run string `json:",omitempty"`
}
