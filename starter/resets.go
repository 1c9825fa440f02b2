package starter

import (
	"context"
	"net/netip"
	"time"

	"github.com/rekeyhq/rekey/link"
)

// Resets is the client of a site, such as that of package web; [Client] is the one implementation.
// All methods may be called concurrently. The network address of the caller, for the audit log,
// travels in the context: see [WithClientAddr].
type Resets interface {
	// Request requests a reset mail. It answers the same for every well-formed address. Errors:
	// account.ErrAddress, ErrOverloaded, ErrUnavailable.
	Request(ctx context.Context, email string) error
	// Inspect returns the state of a mailed link, and changes nothing. For a day after its end a
	// link may be pending or changed. Errors: ErrLinkInvalid, ErrLinkExpired, ErrLinkCanceled,
	// ErrLinkEnded, ErrLinkRestarted, ErrChangeRefused, ErrUnavailable.
	Inspect(ctx context.Context, token string) (Link, error)
	// Submit sets a new password through a link. Errors: *password.Refusal and
	// every error of this package.
	Submit(ctx context.Context, token, password string) error
	// Follow makes a ticket from the link of a mail, for [Resets.Followed]. The ticket lasts as
	// long as Inspect answers for the link, and permits nothing else. Errors: ErrLinkInvalid,
	// ErrLinkExpired.
	Follow(token string) (ticket string, err error)
	// Followed returns the state of a submitted password. Errors: those of Inspect.
	Followed(ctx context.Context, ticket string) (LinkState, error)
	// Cancel cancels a reset ("this wasn't me") through the cancel link of its mail; a repeated
	// call is fine. Errors: ErrLinkInvalid, ErrLinkExpired, ErrLinkUsed, ErrChangeRefused,
	// ErrPending, ErrUnavailable.
	Cancel(ctx context.Context, token string) error
	// Settings is the public part of its configuration.
	Settings() Settings
	// Proof is the proof of work that lets a request through while others are ErrOverloaded: see
	// [WithProofPassed]. Nil is none.
	Proof() *Proof
}

// Settings are the public part of a [Config], so that pages agree with it.
type Settings struct {
	BaseURL   link.BaseURL
	Product   string
	MinLength int // fewest characters of a password; zero reveals nothing
}

// Settings implements [Resets].
func (c *Client) Settings() Settings {
	return Settings{BaseURL: c.cfg.BaseURL, Product: c.cfg.Product, MinLength: c.cfg.Policy.MinLength}
}

// LinkState is the state of a link.
type LinkState string

// The states of a link that is not an error.
const (
	LinkOpen    LinkState = "open"    // a password may be submitted
	LinkPending LinkState = "pending" // a password is accepted, not applied yet
	LinkChanged LinkState = "changed" // the password was changed through this reset
)

// Link has the facts that the holder of a link may know about it.
type Link struct {
	State   LinkState
	Address string // of the account
	Expires time.Time
	Left    time.Duration // until Expires; a link that is open works for a moment longer
	// MaxBytes is the length of the longest password that its hash takes whole; 0 for any.
	MaxBytes int
}

type clientAddrKey struct{}

// WithClientAddr gives a [Resets] the address of the caller, for the audit log and the
// [Config.StartLimit]. The HTTP handler does it for every request. A Go backend does it itself.
func WithClientAddr(ctx context.Context, addr netip.Addr) context.Context {
	return context.WithValue(ctx, clientAddrKey{}, addr)
}

// ClientAddr is the address set by [WithClientAddr]; the zero Addr is unknown.
func ClientAddr(ctx context.Context) netip.Addr {
	addr, _ := ctx.Value(clientAddrKey{}).(netip.Addr)
	return addr
}

// clientAddr is the text of a [ClientAddr], "" when it is unknown.
func clientAddr(ctx context.Context) string {
	addr := ClientAddr(ctx)
	if !addr.IsValid() {
		return ""
	}
	return addr.String()
}
