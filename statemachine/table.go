package statemachine

import (
	"fmt"
	"slices"
	"strings"
)

// transition is one line of the table.
type transition struct {
	from State
	on   Event
	to   State
}

// table is the whole machine. A submission may come before the mail's own success is
// known: the mail arrived although the answer about it was lost.
var table = []transition{
	{StateRequested, LinkSent, StateAwaitingToken},
	{StateRequested, LinkWithheld, StateAwaitingToken},
	{StateRequested, TokenSubmitted, StateTokenSubmitted},
	{StateRequested, Cancel, StateCanceled},

	{StateAwaitingToken, LinkSent, StateAwaitingToken}, // again
	{StateAwaitingToken, LinkWithheld, StateAwaitingToken},
	{StateAwaitingToken, TokenSubmitted, StateTokenSubmitted},
	{StateAwaitingToken, Expire, StateExpired},
	{StateAwaitingToken, Cancel, StateCanceled},

	{StateTokenSubmitted, PasswordChanged, StatePasswordChanged},
	{StateTokenSubmitted, ChangeRefused, StateRefused},
	{StateTokenSubmitted, TokenUnknown, StateAwaitingToken}, // the wait is armed again

	{StatePasswordChanged, NoticeSent, StateCompleted},
	{StatePasswordChanged, NoticeFailed, StateCompleted},
}

// States lists all states, in the order of a reset.
func States() []State {
	return []State{
		StateRequested, StateAwaitingToken, StateTokenSubmitted, StatePasswordChanged,
		StateCompleted, StateExpired, StateCanceled, StateRefused,
	}
}

// Events lists all events.
func Events() []Event {
	return []Event{
		LinkSent, LinkWithheld, TokenSubmitted, TokenUnknown, PasswordChanged,
		ChangeRefused, NoticeSent, NoticeFailed, Expire, Cancel,
	}
}

// Diagram is the table as a Mermaid state diagram.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	fmt.Fprintf(&b, "    [*] --> %s\n", StateRequested)
	for _, t := range table {
		fmt.Fprintf(&b, "    %s --> %s : %s\n", t.from, t.to, t.on)
	}
	for _, s := range States() {
		if final(s) {
			fmt.Fprintf(&b, "    %s --> [*]\n", s)
		}
	}
	return b.String()
}

// final reports whether no transition leaves a state.
func final(s State) bool {
	return !slices.ContainsFunc(table, func(t transition) bool { return t.from == s })
}
