package replay

import (
	"context"
	"errors"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

var (
	// ErrKeys means that the history cannot be judged with these keys: it holds what is
	// sealed under a key that they lack, that is retired, or that is of another keyset.
	// The error is keys.ErrUnknownKey or keys.ErrForeign too.
	ErrKeys = errors.New("the keyset lacks a key of this history")
	// ErrDamaged means that this is no history of the workflow from its first event on.
	ErrDamaged = errors.New("the history is damaged")
)

// readable refuses what the SDK would not notice or take for a divergence.
func readable(events []*historypb.HistoryEvent) error {
	if len(events) == 0 {
		return fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	if started.GetWorkflowId() == "" {
		return fmt.Errorf("%w: it does not begin with the start of a run", ErrDamaged)
	}
	if kind := started.GetWorkflowType().GetName(); kind != workflow.Name && kind != workflow.FinishName {
		return fmt.Errorf("%w: it is of another workflow than %s and %s", ErrDamaged, workflow.Name, workflow.FinishName)
	}
	for i, event := range events {
		if event.GetEventId() != int64(i)+1 {
			return fmt.Errorf("%w: event %d is missing", ErrDamaged, i+1)
		}
	}
	return nil
}

// unopened finds the first payload that says of itself that it is ours and that these keys
// do not open. It is asked when a replay has failed, not before: a stranger can put such a
// payload into a history, and the workflow gets along with it.
func (r *Replayer) unopened(events []*historypb.HistoryEvent) error {
	open := func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for _, p := range payloads {
			if !keys.IsSealed(p) {
				continue
			}
			if _, err := r.codec.Decode([]*commonpb.Payload{p}); err != nil {
				return nil, err
			}
		}
		return payloads, nil
	}
	for _, e := range events {
		if err := proxy.VisitPayloads(context.Background(), e, proxy.VisitPayloadsOptions{Visitor: open}); err != nil {
			return fmt.Errorf("%w: event %d %s: %w", ErrKeys, e.GetEventId(), e.GetEventType(), err)
		}
	}
	return nil
}
