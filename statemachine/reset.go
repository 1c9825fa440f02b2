package statemachine

// State is the progress of a reset. Its text is kept in Temporal's histories and shown to
// operators, so a released one does not change.
type State string

// The states of a run. The last four are final.
const (
	StateRequested       State = "requested"        // accepted, nothing mailed yet
	StateAwaitingToken   State = "awaiting_token"   // waiting for a link to be used
	StatePasswordBlocked State = "password_blocked" // no password opens the account; nothing mailed yet
	StateTokenSubmitted  State = "token_submitted"  // one submission is accepted durably
	StatePasswordChanged State = "password_changed" // the store holds the new password; the owner is not notified yet
	StateCompleted       State = "completed"        // changed, and the owner was notified or could not be
	StateExpired         State = "expired"          // no link was used in time
	StateCanceled        State = "canceled"         // canceled before the run accepted a submission
	StateRefused         State = "refused"          // the account had changed since the mail
)

// Event is something that happened to a reset. Its text is kept in Temporal's histories, so a
// released one does not change.
type Event string

// The events of a reset.
const (
	LinkSent        Event = "link_sent"        // the mail server accepted the mail
	LinkWithheld    Event = "link_withheld"    // no mail goes out; the reset looks the same from outside
	PasswordBlocked Event = "password_blocked" // the store has blocked the password
	TokenSubmitted  Event = "token_submitted"  // a link was used
	TokenUnknown    Event = "token_unknown"    // no link of this reset made the submission
	PasswordChanged Event = "password_changed" // the store holds the new password
	Applied         Event = "applied"          // of a flow that changes no password: the application has done its part
	ChangeRefused   Event = "change_refused"   // the store refused it for good
	NoticeSent      Event = "notice_sent"      // the owner is notified
	NoticeFailed    Event = "notice_failed"    // the owner cannot be notified
	Expire          Event = "expire"           // the newest link has ended
	Cancel          Event = "cancel"           // by the owner or an operator
)

// Reset has the events that each state allows. Function awaitEvent of package workflow has the
// priority of events that happened together.
var Reset = append(Table[State, Event]{
	{StateRequested, LinkSent, StateAwaitingToken},
	{StateRequested, LinkWithheld, StateAwaitingToken},
	{StateRequested, TokenSubmitted, StateTokenSubmitted}, // the mail arrived although its answer was lost
	{StateRequested, Cancel, StateCanceled},
}, fromAwaitingToken...)

// fromAwaitingToken is the part that flows with a link share.
var fromAwaitingToken = Table[State, Event]{
	{StateAwaitingToken, LinkSent, StateAwaitingToken}, // another link
	{StateAwaitingToken, LinkWithheld, StateAwaitingToken},
	{StateAwaitingToken, TokenSubmitted, StateTokenSubmitted},
	{StateAwaitingToken, Expire, StateExpired},
	{StateAwaitingToken, Cancel, StateCanceled},

	// It is too late to cancel or to expire.
	{StateTokenSubmitted, PasswordChanged, StatePasswordChanged},
	{StateTokenSubmitted, ChangeRefused, StateRefused},
	{StateTokenSubmitted, TokenUnknown, StateAwaitingToken}, // the wait is opened again

	{StatePasswordChanged, NoticeSent, StateCompleted},
	{StatePasswordChanged, NoticeFailed, StateCompleted},
}

// ForcedReset has the events of a reset that begins with the loss of the password.
var ForcedReset = append(Table[State, Event]{
	{StateRequested, PasswordBlocked, StatePasswordBlocked},
	{StateRequested, ChangeRefused, StateRefused},

	{StatePasswordBlocked, LinkSent, StateAwaitingToken},
	{StatePasswordBlocked, LinkWithheld, StateAwaitingToken},
	{StatePasswordBlocked, TokenSubmitted, StateTokenSubmitted},
	{StatePasswordBlocked, Cancel, StateCanceled},
}, fromAwaitingToken...)
