package replay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/converter"
)

// named is how many fields a divergence names.
const named = 4

// comparison compares one history with the recorder of its replay.
type comparison struct {
	*Replayer
	*recorder
	events []*historypb.HistoryEvent
	runs   []string // run IDs that a workflow reset makes equal
	queue  string   // of the run

	diverges []*Divergence
	warnings []*Divergence
}

// compare lists, in the order of events, where the code passes or reads other values than the
// history holds. An error means that Codec cannot decode a payload: ErrKeys.
func (r *Replayer) compare(events []*historypb.HistoryEvent, all []task, rec *recorder) (*comparison, error) {
	c := &comparison{Replayer: r, recorder: rec, events: events, runs: runIDs(events)}
	c.queue = events[0].GetWorkflowExecutionStartedEventAttributes().GetTaskQueue().GetName()
	if err := c.compareReads(); err != nil {
		return nil, err
	}
	for _, t := range all {
		if err := c.compareTask(t); err != nil {
			return nil, err
		}
	}
	byEvent := func(x, y *Divergence) int { return cmp.Compare(x.Event, y.Event) }
	slices.SortStableFunc(c.diverges, byEvent)
	slices.SortStableFunc(c.warnings, byEvent)
	return c, nil
}

// before is the first divergence that lies before an event.
func (c *comparison) before(event int64) *Divergence {
	if len(c.diverges) > 0 && c.diverges[0].Event < event {
		return c.diverges[0]
	}
	return nil
}

// runIDs are all run IDs of a run. A workflow reset goes on under another one, with the events of
// the run before it. Values that the code passes may name any of them, because a replay does not
// know the ID at the time of writing.
func runIDs(events []*historypb.HistoryEvent) []string {
	ids := []string{events[0].GetWorkflowExecutionStartedEventAttributes().GetOriginalExecutionRunId()}
	for _, e := range events {
		if reset := e.GetWorkflowTaskFailedEventAttributes(); reset.GetNewRunId() != "" {
			ids = append(ids, reset.GetBaseRunId(), reset.GetNewRunId())
		}
	}
	return ids
}

func (c *comparison) sameRun(was, is string) bool {
	return slices.Contains(c.runs, was) && slices.Contains(c.runs, is)
}

// compareReads finds the event of each payload that was read. Equal payloads, as a stranger can
// copy them, count for the first event that holds one.
func (c *comparison) compareReads() error {
	for _, e := range c.events {
		var lost []string
		find := func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			for _, p := range payloads {
				if at := slices.IndexFunc(c.reads, func(r read) bool { return r.sealed == string(p.GetData()) }); at >= 0 {
					lost = append(lost, c.reads[at].lost...)
				}
			}
			return payloads, nil
		}
		if len(c.reads) == 0 {
			return nil
		}
		if err := proxy.VisitPayloads(context.Background(), e, proxy.VisitPayloadsOptions{Visitor: find}); err != nil {
			return fmt.Errorf("%w: event %d", ErrDamaged, e.GetEventId())
		}
		c.diverge(e, "reads", lost)
	}
	return nil
}

func (c *comparison) diverge(e *historypb.HistoryEvent, does string, what []string) {
	if len(what) == 0 {
		return
	}
	slices.Sort(what)
	what = slices.Compact(what)
	if len(what) > named {
		what = append(what[:named:named], "more")
	}
	c.diverges = append(c.diverges, diverges(e, does+" "+strings.Join(what, ", ")))
}

// compareTask compares the events of one workflow task with the calls of the code in it.
func (c *comparison) compareTask(t task) error {
	became := map[string][]*historypb.HistoryEvent{}
	var order []string
	for _, e := range c.events[t.completed:t.end] {
		what := happened(e)
		if len(c.calls[place{t.started, what}]) > 0 && !versioned(e) {
			if became[what] == nil {
				order = append(order, what)
			}
			became[what] = append(became[what], e)
		}
	}
	for _, what := range order {
		if err := c.pair(became[what], c.calls[place{t.started, what}]); err != nil {
			return err
		}
	}
	return nil
}

// versioned reports that workflow.GetVersion upserted an attribute, and not the code.
func versioned(e *historypb.HistoryEvent) bool {
	_, ok := e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()["TemporalChangeVersion"]
	return ok
}

// pair compares events with calls, in their order. The SDK has compared their number.
func (c *comparison) pair(events []*historypb.HistoryEvent, calls []call) error {
	for i, e := range events[:min(len(events), len(calls))] {
		other, err := c.differs(e, calls[i])
		if err != nil {
			return err
		}
		c.diverge(e, "passes", other)
		c.warn(e, calls[i])
	}
	return nil
}

// differs names the values that the code passes otherwise.
func (c *comparison) differs(e *historypb.HistoryEvent, is call) ([]string, error) {
	if timer := e.GetTimerStartedEventAttributes(); timer != nil {
		if timer.GetStartToFireTimeout().AsDuration() != is.duration {
			return []string{"another duration"}, nil
		}
		return nil, nil
	}
	was, err := c.held(e)
	if err != nil {
		return nil, fmt.Errorf("%w: event %d %s: %w", ErrKeys, e.GetEventId(), e.GetEventType(), err)
	}
	if len(was) != len(is.values) {
		return []string{"another number of values"}, nil
	}
	var found []string
	for i, now := range is.values {
		other, err := c.payloads(was[i], now)
		if err != nil {
			return nil, fmt.Errorf("%w: event %d: %w", ErrDamaged, e.GetEventId(), err)
		}
		found = append(found, other...)
	}
	return found, nil
}

func (c *comparison) payloads(was, is *commonpb.Payload) ([]string, error) {
	kind := is.GetMetadata()[converter.MetadataEncoding]
	switch {
	case !bytes.Equal(was.GetMetadata()[converter.MetadataEncoding], kind):
		return []string{"another kind of value"}, nil
	case string(kind) == converter.MetadataEncodingJSON:
		return Diff(was.GetData(), is.GetData(), c.sameRun)
	case !bytes.Equal(was.GetData(), is.GetData()):
		return []string{"another value"}, nil
	default:
		return nil, nil
	}
}

// held are the values that an event holds, in clear.
func (c *comparison) held(e *historypb.HistoryEvent) ([]*commonpb.Payload, error) {
	var sealed *commonpb.Payloads
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		sealed = e.GetActivityTaskScheduledEventAttributes().GetInput()
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		sealed = e.GetWorkflowExecutionContinuedAsNewEventAttributes().GetInput()
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		sealed = e.GetWorkflowExecutionCompletedEventAttributes().GetResult()
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED:
		sealed = e.GetWorkflowExecutionUpdateCompletedEventAttributes().GetOutcome().GetSuccess()
	case enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
		return attributes(e)
	default:
	}
	return c.Replayer.config.Codec.Decode(sealed.GetPayloads())
}

// attributes are the search attributes of an event as one value, which is in clear.
func attributes(e *historypb.HistoryEvent) ([]*commonpb.Payload, error) {
	values := map[string]json.RawMessage{}
	for name, p := range e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields() {
		values[name] = p.GetData()
	}
	p, err := converter.GetDefaultDataConverter().ToPayload(values)
	return []*commonpb.Payload{p}, err
}
