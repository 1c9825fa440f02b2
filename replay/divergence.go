package replay

import "fmt"

// Divergence is the first place at which the code leaves a history. It is the same for all runs of
// a story, except for the number of the event.
type Divergence struct {
	// Event is the ID of the event that the code does not lead to.
	Event int64
	// The event's type, and the name of an activity.
	What string
	// Code is the code's own step, as in "schedules change-password".
	Code string
}

// Error names the event and the code's own step. It holds no payload.
func (d *Divergence) Error() string { return fmt.Sprintf("event %d %s", d.Event, d.Kind()) }

// Kind is the text without the number of the event. All runs that diverge for the same reason have
// it in common.
func (d *Divergence) Kind() string { return d.What + ": the code " + d.Code }
