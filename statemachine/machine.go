// Package statemachine decides what may happen next in a password reset.
//
// It is a table of states and events, run by looplab/fsm. It knows nothing of Temporal,
// mails or passwords: the workflow does the work of a state and fires the event it
// ended with. All of it is deterministic, so it may run inside workflow code.
package statemachine

import (
	"context"
	"errors"
	"fmt"

	"github.com/looplab/fsm"
)

// State is where a reset stands.
type State string

// The states of a reset. The last four are final.
const (
	StateRequested       State = "requested"        // accepted, nothing mailed yet
	StateAwaitingToken   State = "awaiting_token"   // waiting for a link to be used
	StateTokenSubmitted  State = "token_submitted"  // one submission is accepted durably
	StatePasswordChanged State = "password_changed" // changed; the owner is not told yet
	StateCompleted       State = "completed"        // changed, and the owner was told or could not be
	StateExpired         State = "expired"          // no link was used in time
	StateCanceled        State = "canceled"         // called off before a submission
	StateRefused         State = "refused"          // the account had changed since the mail
)

// Event is something that happened to a reset.
type Event string

// The events of a reset.
const (
	LinkSent        Event = "link_sent"        // the mail server took the mail
	LinkWithheld    Event = "link_withheld"    // no mail is to go out; the reset looks the same from outside
	TokenSubmitted  Event = "token_submitted"  // a link was used
	TokenUnknown    Event = "token_unknown"    // the submission was nobody's: no link of ours made it
	PasswordChanged Event = "password_changed" // the store holds the new password
	ChangeRefused   Event = "change_refused"   // the store refused it for good
	NoticeSent      Event = "notice_sent"      // the owner is told
	NoticeFailed    Event = "notice_failed"    // the owner cannot be told
	Expire          Event = "expire"           // the newest link has ended
	Cancel          Event = "cancel"           // the owner or an operator calls it off
)

// ErrForbidden means that an event cannot happen in the machine's state. Whoever
// fires such an event has a bug.
var ErrForbidden = errors.New("the state does not allow the event")

// Machine is one reset's state. It is not safe for concurrent use.
type Machine struct{ fsm *fsm.FSM }

// New returns a machine in StateRequested.
func New() *Machine {
	events := make([]fsm.EventDesc, 0, len(table))
	for _, t := range table {
		events = append(events, fsm.EventDesc{Name: string(t.on), Src: []string{string(t.from)}, Dst: string(t.to)})
	}
	return &Machine{fsm.NewFSM(string(StateRequested), events, nil)}
}

// Fire moves the machine. An event that the state does not allow is ErrForbidden and
// moves nothing.
func (m *Machine) Fire(e Event) error {
	err := m.fsm.Event(context.Background(), string(e))
	var loop fsm.NoTransitionError
	if err == nil || errors.As(err, &loop) {
		return nil // a self-loop moves nothing and is no error here
	}
	return fmt.Errorf("%s in state %s: %w", e, m.State(), ErrForbidden)
}

// Can reports whether the state allows the event.
func (m *Machine) Can(e Event) bool { return m.fsm.Can(string(e)) }

// State is the current state.
func (m *Machine) State() State { return State(m.fsm.Current()) }

// Settled reports whether the password question is decided: the password is changed,
// or will not be by this reset.
func (m *Machine) Settled() bool { return m.State() == StatePasswordChanged || m.Final() }

// Final reports whether nothing can happen any more.
func (m *Machine) Final() bool { return final(m.State()) }
