package statemachine_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/statemachine"
)

type (
	state = statemachine.State
	event = statemachine.Event
)

// allowed is the table of the design, written once more by hand. A transition that it does not
// list is forbidden.
var allowed = map[state]map[event]state{
	"requested": {
		"link_sent":       "awaiting_token",
		"link_withheld":   "awaiting_token",
		"token_submitted": "token_submitted",
		"cancel":          "canceled",
	},
	"awaiting_token": {
		"link_sent":       "awaiting_token",
		"link_withheld":   "awaiting_token",
		"token_submitted": "token_submitted",
		"expire":          "expired",
		"cancel":          "canceled",
	},
	"token_submitted": {
		"password_changed": "password_changed",
		"change_refused":   "refused",
		"token_unknown":    "awaiting_token",
	},
	"password_changed": {
		"notice_sent":   "completed",
		"notice_failed": "completed",
	},
	"completed": nil, "expired": nil, "canceled": nil, "refused": nil,
}

// A machine that begins in a state is the same as one that was fired there.
func TestAt(t *testing.T) {
	t.Parallel()
	for s, path := range paths(t) {
		led, at := walk(t, path), statemachine.At(statemachine.Reset, s)
		if at.State() != s || at.Settled() != led.Settled() || at.Final() != led.Final() {
			t.Errorf("at %s: state %s, settled %t, final %t", s, at.State(), at.Settled(), at.Final())
		}
		for _, e := range statemachine.Reset.Events() {
			if at.Can(e) != led.Can(e) {
				t.Errorf("at %s: Can(%s) = %t", s, e, at.Can(e))
			}
		}
	}
}

// Every pair of state and event follows the design. A forbidden one moves nothing, and its error
// names the pair.
func TestEveryPair(t *testing.T) {
	t.Parallel()
	for from, path := range paths(t) {
		for _, e := range append(statemachine.Reset.Events(), "", "no_such_event") {
			m := walk(t, path)
			to, ok := allowed[from][e]
			if m.Can(e) != ok {
				t.Errorf("%s: Can(%s) = %t, want %t", from, e, !ok, ok)
			}
			err := m.Fire(e)
			switch {
			case ok && (err != nil || m.State() != to):
				t.Errorf("%s: Fire(%s) = %v, now %s; want %s", from, e, err, m.State(), to)
			case !ok && (!errors.Is(err, statemachine.ErrForbidden) || m.State() != from):
				t.Errorf("%s: Fire(%s) = %v, now %s; want ErrForbidden and no move", from, e, err, m.State())
			case !ok && !strings.Contains(err.Error(), fmt.Sprintf("event %q in state %q", e, from)):
				t.Errorf("%s: Fire(%s) = %q, want an error that names both", from, e, err)
			}
		}
	}
}

// Every state can be reached, and from every state a final one can.
func TestNoStateIsLostOrStuck(t *testing.T) {
	t.Parallel()
	known := paths(t)
	for _, s := range statemachine.Reset.States() {
		path, ok := known[s]
		if !ok {
			t.Errorf("%s cannot be reached", s)
			continue
		}
		final := func(s state) bool { return walk(t, known[s]).Final() }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(paths(t, path...))), final) {
			t.Errorf("no final state can be reached from %s", s)
		}
	}
	if len(known) != len(allowed) {
		t.Errorf("the design has %d states, the machine reaches %d", len(allowed), len(known))
	}
	for _, rule := range statemachine.Reset {
		if !slices.Contains(statemachine.Reset.States(), rule.From) {
			t.Errorf("%s is left, and cannot be reached", rule.From)
		}
	}
}

func TestSettledAndFinal(t *testing.T) {
	t.Parallel()
	settled := map[state]bool{"password_changed": true, "completed": true, "expired": true, "canceled": true, "refused": true}
	final := map[state]bool{"completed": true, "expired": true, "canceled": true, "refused": true}
	for s, path := range paths(t) {
		m := walk(t, path)
		if m.Settled() != settled[s] || m.Final() != final[s] {
			t.Errorf("%s: Settled %t, Final %t; want %t, %t", s, m.Settled(), m.Final(), settled[s], final[s])
		}
	}
}

// Values of the search attribute that are no state of the table are neither.
func TestStateOfNoTable(t *testing.T) {
	t.Parallel()
	if s := state("waiting_for_mail"); statemachine.Reset.Final(s) || statemachine.Reset.Settled(s) {
		t.Errorf("%s: Final %t, Settled %t", s, statemachine.Reset.Final(s), statemachine.Reset.Settled(s))
	}
}

// Another table makes another machine.
func TestMachineOfAnotherTable(t *testing.T) {
	t.Parallel()
	door := statemachine.New(statemachine.Table[string, string]{{"open", "shut", "shut"}, {"shut", "lock", "locked"}})
	if err := door.Fire("lock"); !errors.Is(err, statemachine.ErrForbidden) || door.Final() || !door.Settled() {
		t.Errorf("%v in %s", err, door.State())
	}
}

func TestMachinesShareNothing(t *testing.T) {
	t.Parallel()
	one, two := walk(t, []event{"link_sent"}), statemachine.New(statemachine.Reset)
	if diff := cmp.Diff([]state{"awaiting_token", "requested"}, []state{one.State(), two.State()}); diff != "" {
		t.Error(diff)
	}
}

// paths are the shortest ways on from a path to all states that it can lead to.
func paths(t *testing.T, start ...event) map[state][]event {
	t.Helper()
	first := walk(t, start).State()
	known := map[state][]event{first: start}
	for queue := []state{first}; len(queue) > 0; queue = queue[1:] {
		for _, e := range statemachine.Reset.Events() {
			path := append(slices.Clone(known[queue[0]]), e)
			m := walk(t, path[:len(path)-1])
			if m.Fire(e) != nil || known[m.State()] != nil || m.State() == first {
				continue
			}
			known[m.State()] = path
			queue = append(queue, m.State())
		}
	}
	return known
}

func walk(t *testing.T, path []event) *statemachine.Machine[state, event] {
	t.Helper()
	m := statemachine.New(statemachine.Reset)
	for _, e := range path {
		if err := m.Fire(e); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// A forced reset begins with the block of the password, and is a reset from then on.
func TestForcedReset(t *testing.T) {
	t.Parallel()
	rules := maps.Clone(allowed)
	rules["password_blocked"] = allowed["requested"]
	rules["requested"] = map[event]state{"password_blocked": "password_blocked", "change_refused": "refused"}
	for from := range rules {
		for _, e := range append(statemachine.Reset.Events(), statemachine.PasswordBlocked) {
			want, ok := rules[from][e]
			m := statemachine.At(statemachine.ForcedReset, from)
			if err := m.Fire(e); (err == nil) != ok || ok && m.State() != want {
				t.Errorf("%s: Fire(%s) = %v, now %s; want %s", from, e, err, m.State(), want)
			}
		}
	}
}
