package cost_test

import (
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/internal/testkit/cost"
)

const (
	started   = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
	signaled  = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
	scheduled = enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
)

// history is one of events without attributes.
func history(kinds ...enumspb.EventType) *historypb.History {
	h := &historypb.History{}
	for i, kind := range kinds {
		h.Events = append(h.Events, &historypb.HistoryEvent{EventId: int64(i) + 1, EventType: kind})
	}
	return h
}

// continued is the history of a run that continues another.
func continued(kinds ...enumspb.EventType) *historypb.History {
	h := history(append([]enumspb.EventType{started}, kinds...)...)
	h.Events[0].Attributes = &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
		WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{ContinuedExecutionRunId: "before"},
	}
	return h
}

func attempt(n int32) *historypb.History {
	h := history(enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
	h.Events[1].Attributes = &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
		ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{Attempt: n},
	}
	return h
}

func upsert(attribute string) *historypb.History {
	h := history(enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES)
	h.Events[0].Attributes = &historypb.HistoryEvent_UpsertWorkflowSearchAttributesEventAttributes{
		UpsertWorkflowSearchAttributesEventAttributes: &historypb.UpsertWorkflowSearchAttributesEventAttributes{
			SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{attribute: {}}},
		},
	}
	return h
}

func failedTask(cause enumspb.WorkflowTaskFailedCause) *historypb.History {
	h := history(enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED)
	h.Events[0].Attributes = &historypb.HistoryEvent_WorkflowTaskFailedEventAttributes{
		WorkflowTaskFailedEventAttributes: &historypb.WorkflowTaskFailedEventAttributes{Cause: cause},
	}
	return h
}

func TestActions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		history *historypb.History
		want    int
	}{
		"a start":                             {history(started, scheduled), 1},
		"a start with a signal":               {history(started, signaled, scheduled), 1},
		"a start and two signals":             {history(started, scheduled, signaled, signaled), 3},
		"a start with a signal and another":   {history(started, signaled, scheduled, signaled), 2},
		"a run that continues, and a signal":  {continued(signaled, scheduled), 2},
		"an activity":                         {attempt(1), 1},
		"an activity of three attempts":       {attempt(3), 3},
		"an activity that has not ended":      {history(enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED), 1},
		"a timer that fires":                  {history(enumspb.EVENT_TYPE_TIMER_STARTED, enumspb.EVENT_TYPE_TIMER_FIRED), 1},
		"a timer that is canceled":            {history(enumspb.EVENT_TYPE_TIMER_STARTED, enumspb.EVENT_TYPE_TIMER_CANCELED), 1},
		"an update":                           {history(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED), 1},
		"a search attribute":                  {upsert("RekeyState"), 1},
		"what GetVersion upserts":             {upsert("TemporalChangeVersion"), 0},
		"a version marker":                    {history(enumspb.EVENT_TYPE_MARKER_RECORDED), 1},
		"options":                             {history(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED), 1},
		"a cancel":                            {history(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED), 0},
		"continue-as-new, of the run it ends": {history(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW), 0},
		"a workflow reset":                    {failedTask(enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW), 1},
		"a failed task":                       {failedTask(enumspb.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND), 0},
		"a task that nobody took":             {history(scheduled, enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := cost.Of(c.history); got.Actions != c.want || err != nil {
				t.Errorf("%d actions, want %d (%v)", got.Actions, c.want, err)
			}
		})
	}
}

func TestEventsAndTasksAreCountedApart(t *testing.T) {
	t.Parallel()
	got, err := cost.Of(history(started, scheduled, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED))
	if want := (cost.Cost{Events: 2, Tasks: 3, Bytes: 5 * 6, Actions: 1}); got != want || err != nil {
		t.Errorf("%+v, want %+v (%v)", got, want, err)
	}
}

// A new kind of event has no price until a developer looks it up.
func TestUnknownEventIsNotFree(t *testing.T) {
	t.Parallel()
	if c, err := cost.Of(history(started, enumspb.EVENT_TYPE_NEXUS_OPERATION_SCHEDULED)); err == nil {
		t.Errorf("%+v", c)
	}
}
