package starter

import (
	"context"
	"net/netip"
	"time"

	"github.com/rekeyhq/rekey/link"
)

// Resets is what a site needs, such as that of package web; [Client] is the one implementation.
// All methods may be called concurrently. The network address of the caller, for the
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
	// Settings are what its pages tell of its configuration.
	Settings() Settings
	// Proof is the proof of work that lets a request through while others are ErrOverloaded: see
	// [WithProofPassed]. Nil is none.
	Proof() *Proof
}

// Settings are what pages tell of a [Config], so that both say the same.
type Settings struct {
	BaseURL   link.BaseURL
	Product   string
	MinLength int // fewest characters of a password; zero tells nothing
}

// Settings implements [Resets].
func (c *Client) Settings() Settings {
	return Settings{BaseURL: c.cfg.BaseURL, Product: c.cfg.Product, MinLength: c.cfg.Policy.MinLength}
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

type clientAddrKey struct{}

// WithClientAddr tells a [Resets] the address of the caller, for the audit log and the
// [Config.StartLimit]. The HTTP handler does it for every request that can change something; a Go
// backend does it itself.
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
