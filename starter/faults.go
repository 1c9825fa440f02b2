package starter

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// fault turns an error of Temporal into ErrUnavailable, keeping the cause for the
// log. Nil stays nil.
func (c *Client) fault(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

func notFound(err error) bool {
	var gone *serviceerror.NotFound
	return errors.As(err, &gone)
}

func timedOut(err error) bool {
	var deadline *serviceerror.DeadlineExceeded
	return errors.As(err, &deadline) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, new(*serviceerror.Canceled)) ||
		errors.As(err, new(*client.WorkflowUpdateServiceTimeoutOrCanceledError))
}

// unanswered reports that a call may have had its effect.
func unanswered(err error) bool {
	return timedOut(err) || errors.As(err, new(*serviceerror.Unavailable))
}

// notReady reports that a run cannot answer at the moment. The workflow task that would have done
// it met with another event and is repeated, or an operator paused the run.
func notReady(err error) bool {
	return errors.As(err, new(*serviceerror.WorkflowNotReady)) || errors.As(err, new(*serviceerror.FailedPrecondition))
}

// updateFailed reports that a run ended in the middle of an update. The run itself never does
// that.
func updateFailed(err error) bool {
	return errors.As(err, new(*temporal.ApplicationError))
}

// SignalsFull reports that a run has had as many signals as a history may hold (10,000 by
// default). The server has no type for it, only this text.
func SignalsFull(err error) bool {
	var invalid *serviceerror.InvalidArgument
	return errors.As(err, &invalid) && strings.Contains(err.Error(), "limit for signal events")
}
