package backend

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
)

// Flows begins and ends the flows of accounts. Its methods are safe for concurrent use, and safe to
// repeat: an account has one open run of a flow at most.
//
// Addresses are in the form of account.ParseAddress. The context has the caller ([Caller]) and its
// network address (starter.ClientAddr), both for the audit log. It does not end when the caller
// hangs up.
//
// A nil error means that Temporal has the request. None depends on the account, which only a run
// looks up. Errors: starter.ErrOverloaded, starter.ErrUnavailable, account.ErrAddress, and
// starter.ErrNoRun where no invitation is open. Any other is answered as a fault of this service, and
// its text goes into the log: it holds no address.
type Flows interface {
	// Invite invites the owner of an address to choose a first password. Only an account without a
	// password is invited; the run decides.
	Invite(ctx context.Context, invitation Invitation) error
	// ResendInvitation mails another link of the open invitation of an address, within the limits
	// of its account.
	ResendInvitation(ctx context.Context, address string) error
	// CancelInvitation ends the open invitation of an address, so that its links stop working.
	CancelInvitation(ctx context.Context, address string) error
	// ForceReset makes the present password of an account stop working, ends its sessions, and mails
	// a link for a new one.
	ForceReset(ctx context.Context, forced Forced) error
	// Bounced tells the run of a mail what became of the mail. Errors: starter.ErrMessageUnknown.
	Bounced(ctx context.Context, b Bounce) error
}

// Bounds of an [Invitation] and a [Forced].
const (
	MinLife    = time.Hour
	MaxLife    = 7 * 24 * time.Hour
	MaxInviter = 64  // characters, as many as a mail has
	MaxReason  = 200 // characters
	MaxID      = 64  // characters of ASCII
)

// Errors of an [Invitation], a [Forced] and a [Bounce].
var (
	// ErrLife means that a life is not between MinLife and MaxLife.
	ErrLife = errors.New("the life of an invitation is out of bounds")
	// ErrInviter means that the name of an inviter is too long or cannot be shown.
	ErrInviter = errors.New("the inviter is not a name")
	// ErrKind means that the kind of a bounce is neither bounce nor complaint.
	ErrKind = errors.New("the kind is not one of a bounce")
	// ErrReason means that a reason is missing, too long or cannot be shown.
	ErrReason = errors.New("the reason is not a line of text")
	// ErrID means that the ID of a request is no name.
	ErrID = errors.New("the ID of a request is not a name")
)

// Invitation is the invitation of one address.
type Invitation struct {
	Address string
	Life    time.Duration // of its links, MinLife to MaxLife; 0 is the default
	Inviter string        // a name for the mail and the audit log, MaxInviter characters at most; may be empty
}

// Check judges all but the address. Errors: ErrLife, ErrInviter.
func (i Invitation) Check() error {
	switch {
	case i.Life != 0 && (i.Life < MinLife || i.Life > MaxLife):
		return ErrLife
	case !account.IsLine(i.Inviter, MaxInviter):
		return ErrInviter
	default:
		return nil
	}
}

// Forced is the forced reset of one account.
type Forced struct {
	Address string
	Reason  string // for the mail and the audit log, MaxReason characters at most; not empty
	ID      string // the caller's name of the request, MaxID characters at most; the same again is a retry
}

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{0,64}$`) // MaxID

// Check judges all but the address. Errors: ErrReason, ErrID.
func (f Forced) Check() error {
	if !requestID.MatchString(f.ID) {
		return ErrID
	}
	if strings.TrimSpace(f.Reason) == "" || !account.IsLine(f.Reason, MaxReason) {
		return ErrReason
	}
	return nil
}

// Bounce is what became of a mail that had been sent.
type Bounce struct {
	MessageID string // of the mail, with or without angle brackets
	Kind      flow.BounceKind
}

// Check judges all but the Message-ID. Errors: ErrKind.
func (b Bounce) Check() error {
	if !slices.Contains(flow.BounceKinds(), b.Kind) {
		return ErrKind
	}
	return nil
}
