// Package statemachine decides what may happen next in a password reset.
//
// It is one table of states and events, run by looplab/fsm. It knows nothing of
// Temporal, mails or passwords: the workflow does the work of a state and fires the
// event that the work ended with. Keeping the rules apart from the work makes them
// small enough to test every pair of state and event, and to draw (see [Diagram]).
//
// Workflow code runs it, so all of it is deterministic: no clock, no callbacks, and
// nothing that depends on the order of a map.
package statemachine

import (
	"context"
	"errors"
	"fmt"

	"github.com/looplab/fsm"
)

// ErrForbidden means that an event cannot happen in the machine's state. Whoever
// fires such an event has a bug.
var ErrForbidden = errors.New("the state does not allow the event")

// Machine is one reset's state. It is not safe for concurrent use.
type Machine struct{ fsm *fsm.FSM }

// New returns a machine in StateRequested.
func New() *Machine { return At(StateRequested) }

// At returns a machine in a state, for those who know where a reset stands and ask what that means.
func At(s State) *Machine {
	var events []fsm.EventDesc
	for _, row := range table {
		for _, exit := range row.leavesBy {
			events = append(events, fsm.EventDesc{
				Name: string(exit.event), Src: []string{string(row.state)}, Dst: string(exit.to),
			})
		}
	}
	return &Machine{fsm.NewFSM(string(s), events, nil)}
}

// Fire moves the machine. An event that the state does not allow is ErrForbidden and
// moves nothing. An event that leads back to the same state is no error.
func (m *Machine) Fire(e Event) error {
	err := m.fsm.Event(context.Background(), string(e))
	if _, loop := errors.AsType[fsm.NoTransitionError](err); err == nil || loop {
		return nil
	}
	return fmt.Errorf("event %q in state %q: %w", e, m.State(), ErrForbidden)
}

// Can reports whether the state allows the event.
func (m *Machine) Can(e Event) bool { return m.fsm.Can(string(e)) }

// State is the current state.
func (m *Machine) State() State { return State(m.fsm.Current()) }

// Settled reports whether the password question is decided: the password is changed,
// or will not be by this reset. Once true it stays true.
func (m *Machine) Settled() bool { return m.State() == StatePasswordChanged || m.Final() }

// Final reports whether nothing can happen any more.
func (m *Machine) Final() bool { return final(m.State()) }
