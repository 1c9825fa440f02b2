package replay

import "fmt"

// Divergence is the first place at which the code leaves a history. It is the same
// whichever run of the same story it was found in, but for the number of the event.
type Divergence struct {
	// Event is the ID of the event that the code does not lead to.
	Event int64
	// The event's type, and the name of an activity.
	What string
	// Code is what the code does instead, as in "schedules change-password".
	Code string
}

// Error names the event and what the code does. It holds no payload.
func (d *Divergence) Error() string { return fmt.Sprintf("event %d %s", d.Event, d.Kind()) }

// Kind is the text without the number of the event: what all runs have in common that
// diverge for the same reason.
func (d *Divergence) Kind() string { return d.What + ": the code " + d.Code }
