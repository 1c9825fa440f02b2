package account

import (
	"context"
	"errors"
)

// Receiver is an application that is told events of resets, so that it can end sessions which no
// store reaches. It may be called concurrently.
//
// The call is repeated after an error, and may be repeated after a success whose worker died. The ID
// is the same for all calls of one event, a JSON object of up to a few hundred bytes
// (docs/hosts/events.md). A call takes ten seconds at most, and gives up when ctx ends. Texts
// of errors are logged, so they hold no address.
//
// Errors: ErrNoMoreEvents ends the attempts of this event. Each other error leads to another one.
type Receiver interface {
	Receive(ctx context.Context, id string, event []byte) error
}

// ErrNoMoreEvents means that a receiver has gone for good, as 410 of Standard Webhooks does.
var ErrNoMoreEvents = errors.New("the application wants no more events")
