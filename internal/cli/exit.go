package cli

import (
	"errors"
	"slices"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/usage"
	"github.com/rekeyhq/rekey/operator"
)

// The exit statuses of the program. Where a command answers a question, a pipeline has to tell a
// bad answer from none.
const (
	exitFailed    = usage.Failed // also: checked, and the answer is no
	exitUnchecked = usage.Wrong  // a wrong command line, or a check that could not be made
	exitRefused   = 3            // the command worked, and its answer is a refusal
)

// refusal is the reason of exitRefused.
type refusal string

func (r refusal) Error() string { return string(r) }

// exitError is an error with a status of its own.
type exitError struct {
	error
	status int
}

func (e exitError) Unwrap() error { return e.error }

func unchecked(err error) error { return exitError{err, exitUnchecked} }

// status is the exit status of the program.
func status(err error) int {
	var own exitError
	switch {
	case errors.As(err, new(refusal)), isAny(err, operator.ErrNoRun, operator.ErrSeveral, operator.ErrNoCampaign, operator.ErrCampaign,
		operator.ErrCampaignOver, operator.ErrCommand):
		return exitRefused
	case isAny(err, operator.ErrTarget, account.ErrAddress, operator.ErrList, operator.ErrReason, operator.ErrRate):
		return exitUnchecked
	case errors.As(err, &own):
		return own.status
	default:
		return usage.Status(err)
	}
}

func isAny(err error, of ...error) bool {
	return slices.ContainsFunc(of, func(o error) bool { return errors.Is(err, o) })
}
