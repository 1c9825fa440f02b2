package flow

import (
	"strconv"
	"testing"
	"time"
)

// A run goes on with few events, although anybody may cause more. Events about changes are kept longest.
func TestFewEventsArePending(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var events teller
	for n := range mostEvents {
		events.open = append(events.open, &HostEvent{Type: HostPasswordChanged, Run: strconv.Itoa(n), Until: now.Add(time.Hour)})
	}
	for range 3 {
		events.open = append(events.open, &HostEvent{Type: "reset.requested", Until: now.Add(time.Hour)})
	}
	for _, e := range events.pending(now) {
		if given := e.Until.Equal(now); given != (e.Type == "reset.requested") {
			t.Errorf("%s of %s is tried until %s", e.Type, e.Run, e.Until)
		}
	}
	events.open = events.open[:mostEvents]
	for _, e := range events.pending(now) {
		if e.Until.Equal(now) {
			t.Errorf("%s of %s is given up, of no more than there may be", e.Type, e.Run)
		}
	}
}
