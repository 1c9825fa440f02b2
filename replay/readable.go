package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
)

var (
	// ErrKeys means that this codec cannot judge the history: it holds payloads under a key that
	// the codec lacks. The error wraps that of the codec.
	ErrKeys = errors.New("the keyset lacks a key of this history")
	// ErrDamaged means that this is no history of the workflow from its first event on.
	ErrDamaged = errors.New("the history is damaged")
)

// readable refuses histories that the SDK would accept or take for a divergence.
func (r *Replayer) readable(events []*historypb.HistoryEvent) error {
	if len(events) == 0 {
		return fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	if started.GetWorkflowId() == "" {
		return fmt.Errorf("%w: it does not begin with the start of a run", ErrDamaged)
	}
	if kind := started.GetWorkflowType().GetName(); r.config.Workflows[kind] == nil {
		names := slices.Sorted(maps.Keys(r.config.Workflows))
		return fmt.Errorf("%w: it is of another workflow than %s", ErrDamaged, strings.Join(names, " and "))
	}
	for i, event := range events {
		if event.GetEventId() != int64(i)+1 {
			return fmt.Errorf("%w: event %d is missing", ErrDamaged, i+1)
		}
	}
	return nil
}

// unopened finds the first payload that claims to be encoded and that the codec does not decode.
// It is called after a failed replay, not before. A stranger can put such a payload into a
// history, and the workflow gets along with it.
func (r *Replayer) unopened(events []*historypb.HistoryEvent) error {
	open := func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for _, p := range payloads {
			if !r.config.Encoded(p) {
				continue
			}
			if _, err := r.config.Codec.Decode([]*commonpb.Payload{p}); err != nil {
				return nil, err
			}
		}
		return payloads, nil
	}
	for _, e := range events {
		if err := proxy.VisitPayloads(context.Background(), e, proxy.VisitPayloadsOptions{Visitor: open, SkipSearchAttributes: true}); err != nil {
			return fmt.Errorf("%w: event %d %s: %w", ErrKeys, e.GetEventId(), e.GetEventType(), err)
		}
	}
	return nil
}
