package statemachine

// State is where a reset stands. Its text is kept in Temporal's histories and shown to
// operators, so a released one does not change.
type State string

// The states of a reset. The last four are final.
const (
	StateRequested       State = "requested"        // accepted, nothing mailed yet
	StateAwaitingToken   State = "awaiting_token"   // waiting for a link to be used
	StateTokenSubmitted  State = "token_submitted"  // one submission is accepted durably
	StatePasswordChanged State = "password_changed" // the store holds the new password; the owner is not told yet
	StateCompleted       State = "completed"        // changed, and the owner was told or could not be
	StateExpired         State = "expired"          // no link was used in time
	StateCanceled        State = "canceled"         // called off before a submission
	StateRefused         State = "refused"          // the account had changed since the mail
)

// Event is something that happened to a reset. Its text is kept in Temporal's
// histories, so a released one does not change.
type Event string

// The events of a reset.
const (
	LinkSent        Event = "link_sent"        // the mail server took the mail
	LinkWithheld    Event = "link_withheld"    // no mail goes out; the reset looks the same from outside
	TokenSubmitted  Event = "token_submitted"  // a link was used
	TokenUnknown    Event = "token_unknown"    // the submission was nobody's: no link of ours made it
	PasswordChanged Event = "password_changed" // the store holds the new password
	ChangeRefused   Event = "change_refused"   // the store refused it for good
	NoticeSent      Event = "notice_sent"      // the owner is told
	NoticeFailed    Event = "notice_failed"    // the owner cannot be told
	Expire          Event = "expire"           // the newest link has ended
	Cancel          Event = "cancel"           // the owner or an operator calls it off
)

// States lists all states, in the order of a reset.
func States() []State {
	all := make([]State, 0, len(table))
	for _, row := range table {
		all = append(all, row.state)
	}
	return all
}

// Events lists all events, in the order of a reset.
func Events() []Event {
	return []Event{
		LinkSent, LinkWithheld, TokenSubmitted, TokenUnknown, PasswordChanged,
		ChangeRefused, NoticeSent, NoticeFailed, Expire, Cancel,
	}
}
