package statemachine

import (
	"slices"
	"strings"
)

// Table is a state machine as a value: its transitions, of which the first leaves the initial
// state. All else follows from it.
type Table[S, E ~string] []Transition[S, E]

// Transition is one rule: an event leads from a state to the next.
type Transition[S, E ~string] struct {
	From  S
	Event E
	To    S
}

// Initial is the state of a new machine.
func (t Table[S, E]) Initial() S { return t[0].From }

// States are the initial state and all that it leads to, breadth first.
func (t Table[S, E]) States() []S { return t.from(t.Initial()) }

// from is a state with all that it leads to.
func (t Table[S, E]) from(s S) []S {
	reached := []S{s}
	for i := 0; i < len(reached); i++ {
		for _, rule := range t {
			if rule.From == reached[i] && !slices.Contains(reached, rule.To) {
				reached = append(reached, rule.To)
			}
		}
	}
	return reached
}

// Events are all events, in the order of the table.
func (t Table[S, E]) Events() (all []E) {
	for _, rule := range t {
		if !slices.Contains(all, rule.Event) {
			all = append(all, rule.Event)
		}
	}
	return all
}

// Final reports whether a state of the table is one that no event leaves.
func (t Table[S, E]) Final(s S) bool {
	leaves := func(rule Transition[S, E]) bool { return rule.From == s }
	enters := func(rule Transition[S, E]) bool { return rule.To == s }
	return slices.ContainsFunc(t, enters) && !slices.ContainsFunc(t, leaves)
}

// Settled reports whether a state leads to one final state only, so that the end is known.
func (t Table[S, E]) Settled(s S) bool {
	open := func(s S) bool { return !t.Final(s) }
	return len(slices.DeleteFunc(t.from(s), open)) == 1
}

// Diagram is the table as a Mermaid state diagram, always the same text.
func (t Table[S, E]) Diagram() string {
	lines := []string{"stateDiagram-v2", "    [*] --> " + string(t.Initial())}
	for _, rule := range t {
		lines = append(lines, "    "+string(rule.From)+" --> "+string(rule.To)+" : "+string(rule.Event))
	}
	for _, s := range t.States() {
		if t.Final(s) {
			lines = append(lines, "    "+string(s)+" --> [*]")
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
