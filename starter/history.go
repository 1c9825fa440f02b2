package starter

import (
	"cmp"
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/flow"
)

// accepted is the ID of the submission that completed the newest wait of a run. It is "" when that
// wait is open or was completed without a link of this run. It is read from the history, so it
// needs no worker. Errors: ErrLinkExpired for a run that Temporal no longer keeps, ErrUnavailable.
func (c *Client) accepted(ctx context.Context, l *openLink) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	events := c.temporal.GetWorkflowHistory(ctx, l.workflowID, l.claims.RunID, false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var last lastWait
	for events.HasNext() {
		e, err := events.Next()
		if notFound(err) {
			return "", ErrLinkExpired
		}
		if err != nil {
			return "", c.fault(err)
		}
		last.read(e)
	}
	var s flow.Submission
	if c.data.FromPayloads(last.result.GetResult(), &s) != nil || s.LinkRun != l.claims.RunID {
		return "", nil // a stranger completed the wait without a link
	}
	return s.ID, nil
}

// lastWait is the newest wait of a history, and its completion.
type lastWait struct {
	event  int64 // that scheduled it
	result *historypb.ActivityTaskCompletedEventAttributes
}

func (w *lastWait) read(e *historypb.HistoryEvent) {
	if e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == flow.AwaitTokenSubmission {
		*w = lastWait{event: e.GetEventId()}
	}
	if done := e.GetActivityTaskCompletedEventAttributes(); done != nil && done.GetScheduledEventId() == w.event {
		w.result = done
	}
}

// errForeign means that an answer is about another run than the queried one.
var errForeign = errors.New("the outcome is of another run")

// meant returns the outcome if it is about the queried run. Anybody with access to Temporal can
// copy a sealed one into the result of their own workflow under the ID of a following run. A false
// worker can do so too. Outcomes of 0.2.0 name no run, and are accepted; 0.2.0 had no following
// runs. Errors: errForeign, which is ErrUnavailable.
func (c *Client) meant(ctx context.Context, l *openLink, out flow.Outcome) (flow.Outcome, error) {
	known := out.Run == cmp.Or(l.ended, l.claims.RunID) || out.Run == "" && l.ended == ""
	if !known && l.ended == "" {
		original, err := c.original(ctx, l)
		if err != nil {
			return flow.Outcome{}, c.fault(err)
		}
		known = out.Run == original
	}
	if !known {
		return flow.Outcome{}, c.fault(errForeign)
	}
	return out, nil
}

// original is the ID that a run had before any workflow reset. Its outcome names that one.
func (c *Client) original(ctx context.Context, l *openLink) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	events := c.temporal.GetWorkflowHistory(ctx, l.workflowID, l.claims.RunID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := events.Next()
	return first.GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId(), err
}
