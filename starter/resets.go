package starter

import (
	"context"
	"time"
)

// Resets is what the HTTP handler needs; [Client] is the one implementation.
// All methods may be called concurrently. The network address of who asks, for the
// audit log, travels in the context: see [WithClientAddr].
type Resets interface {
	// Request asks for a reset mail. It answers the same for every well-formed
	// address. Errors: account.ErrAddress, ErrOverloaded, ErrUnavailable.
	Request(ctx context.Context, email string) error
	// Inspect says what the link of a mail can still do, and changes nothing. For a day
	// after its end a link may be pending or changed. Errors: ErrLinkInvalid, ErrLinkExpired, ErrLinkCanceled, ErrLinkEnded,
	// ErrLinkRestarted, ErrChangeRefused, ErrUnavailable.
	Inspect(ctx context.Context, token string) (Link, error)
	// Submit sets a new password through a link. Errors: *password.Refusal and
	// every error of this package.
	Submit(ctx context.Context, token, password string) error
	// Follow makes a ticket from the link of a mail: it tells [Resets.Followed], as long as the link does
	// Inspect, and nobody can do anything with it. Errors: ErrLinkInvalid, ErrLinkExpired.
	Follow(token string) (ticket string, err error)
	// Followed says what became of a password that was handed in. Errors: those of Inspect.
	Followed(ctx context.Context, ticket string) (LinkState, error)
	// Cancel calls a reset off ("this wasn't me") through the cancel link of its
	// mail; calling it again is fine. Errors: ErrLinkInvalid, ErrLinkExpired,
	// ErrLinkUsed, ErrChangeRefused, ErrPending, ErrUnavailable.
	Cancel(ctx context.Context, token string) error
}

// LinkState is what a link can still do.
type LinkState string

// The states of a link that is not an error.
const (
	LinkOpen    LinkState = "open"    // a password may be submitted
	LinkPending LinkState = "pending" // a password is accepted, not applied yet
	LinkChanged LinkState = "changed" // the password was changed through this reset
)

// Link is what the holder of a link may know about it.
type Link struct {
	State   LinkState
	Address string // of the account
	Expires time.Time
	Left    time.Duration // until Expires; a link that is open works for a moment longer
	// MaxBytes is the length of the longest password that its hash takes whole; 0 for any.
	MaxBytes int
}
