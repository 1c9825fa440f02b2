// Package statemachine decides the next states of a password reset.
//
// The rules are one value, [Reset]: a table of states and events, run by looplab/fsm. It knows
// nothing of Temporal, mails or passwords. The workflow does the work of a state and fires the
// event that the work ended with. Separate rules are small enough to test every pair of state and
// event, and to draw (see [Table.Diagram]).
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

// ErrForbidden means that the table has no such event in the machine's state. To fire it is a bug
// of the caller.
var ErrForbidden = errors.New("the state does not allow the event")

// Machine follows a table. It is not safe for concurrent use.
type Machine[S, E ~string] struct {
	table Table[S, E]
	fsm   *fsm.FSM
}

// New returns a machine in the initial state of a table.
func New[S, E ~string](table Table[S, E]) *Machine[S, E] { return At(table, table.Initial()) }

// At returns a machine in a state of a table.
func At[S, E ~string](table Table[S, E], s S) *Machine[S, E] {
	events := make([]fsm.EventDesc, len(table))
	for i, rule := range table {
		events[i] = fsm.EventDesc{Name: string(rule.Event), Src: []string{string(rule.From)}, Dst: string(rule.To)}
	}
	return &Machine[S, E]{table, fsm.NewFSM(string(s), events, nil)}
}

// Fire moves the machine. An event that the state does not allow is ErrForbidden and
// moves nothing. An event that leads back to the same state is no error, although
// looplab/fsm reports one.
func (m *Machine[S, E]) Fire(e E) error {
	err := m.fsm.Event(context.Background(), string(e))
	if _, loop := errors.AsType[fsm.NoTransitionError](err); err == nil || loop {
		return nil
	}
	return fmt.Errorf("event %q in state %q: %w", e, m.State(), ErrForbidden)
}

// Can reports whether the state allows the event.
func (m *Machine[S, E]) Can(e E) bool { return m.fsm.Can(string(e)) }

// State is the current state.
func (m *Machine[S, E]) State() S { return S(m.fsm.Current()) }

// Settled reports whether the password question is decided: the password is changed,
// or will not be by this reset. Once true it stays true.
func (m *Machine[S, E]) Settled() bool { return m.table.Settled(m.State()) }

// Final reports whether nothing can happen any more.
func (m *Machine[S, E]) Final() bool { return m.table.Final(m.State()) }
