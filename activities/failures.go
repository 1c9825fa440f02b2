package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/statemachine"
)

// StoreFault is an error of an account store that is no answer: it is away, or broken.
type StoreFault struct{ Err error }

// Error implements error.
func (f StoreFault) Error() string { return f.Err.Error() }

// Unwrap is for errors.Is.
func (f StoreFault) Unwrap() error { return f.Err }

// withType gives an error a type, which Temporal shows in clear. The type is a constant of this
// code, and never a text of a store or a mailer.
func withType(ctx context.Context, err error) error {
	kind := kindOf(err)
	if kind == "" || ctx.Err() != nil || errors.As(err, new(*temporal.ApplicationError)) {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), kind, temporal.ApplicationErrorOptions{})
}

// kindOf is the type of an error, "" for one that has no name.
func kindOf(err error) string {
	failed, ofMail := errors.AsType[*mail.Error](err)
	switch {
	case errors.As(err, new(*untold)):
		return flow.HostAway
	case errors.Is(err, errStopping):
		return flow.WorkerStops
	case errors.Is(err, keys.ErrUnknownKey):
		return flow.KeyMissing
	case errors.As(err, new(StoreFault)):
		return flow.StoreAway
	case ofMail:
		return failed.Kind()
	default:
		return ""
	}
}

// waitsFor returns the cause that keeps a failed activity waiting. It is "" when Temporal is to
// retry: the activity is young, or operators do not look for the cause. The pause is that of the
// error.
func (a *Activities) waitsFor(ctx context.Context, err error) (what statemachine.State, pause time.Duration) {
	if err == nil || ctx.Err() != nil || a.Now().Sub(activity.GetInfo(ctx).ScheduledTime) < flow.WaitsAfter {
		return "", 0
	}
	if later, ok := errors.AsType[*temporal.ApplicationError](err); ok && later.NextRetryDelay() > 0 {
		return flow.WaitingForMail, later.NextRetryDelay()
	}
	switch {
	case errors.As(err, new(StoreFault)):
		return flow.WaitingForStore, 0
	case errors.As(err, new(*mail.Error)):
		return flow.WaitingForMail, 0
	default:
		return "", 0
	}
}

// reportWaiting turns an error of a mail into a result for the run, when the run is to report that
// the mail is kept waiting.
func (a *Activities) reportWaiting(ctx context.Context, m flow.Mail, of string, d flow.Delivery, err error) (flow.Delivery, error) {
	if what, pause := a.waitsFor(ctx, err); what != "" && m.Waits {
		return flow.Delivery{Waits: what, Of: of, Pause: pause}, nil
	}
	return d, withType(ctx, err)
}
