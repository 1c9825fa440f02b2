package main

import (
	"errors"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/usage"
	"github.com/rekeyhq/rekey/operator"
)

// The exit statuses of the program. Where a command answers a question, a pipeline has to
// tell a bad answer from none.
const (
	exitFailed    = usage.Failed // also: checked, and the answer is no
	exitUnchecked = usage.Wrong  // a command line that is wrong, or a check that could not be made
	exitRefused   = 3            // the command worked, and what was asked for is not to be had
)

// refusal says why what was asked for is not to be had.
type refusal string

func (r refusal) Error() string { return string(r) }

// exitError is an error with a status of its own.
type exitError struct {
	error
	status int
}

func (e exitError) Unwrap() error { return e.error }

func unchecked(err error) error { return exitError{err, exitUnchecked} }

// status is what the program exits with.
func status(err error) int {
	var own exitError
	switch {
	case errors.As(err, new(refusal)), errors.Is(err, operator.ErrNoRun):
		return exitRefused
	case errors.Is(err, operator.ErrTarget), errors.Is(err, account.ErrAddress):
		return exitUnchecked
	case errors.As(err, &own):
		return own.status
	default:
		return usage.Status(err)
	}
}
