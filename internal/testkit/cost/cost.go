// Package cost computes the cost of a run for its operator from its history: how much Temporal
// stores, and how many Actions Temporal Cloud bills.
package cost

import (
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/proto"
)

// Cost is the cost of one run.
type Cost struct {
	Events  int // of the history, without those of workflow tasks
	Tasks   int // events of workflow tasks, whose number varies from run to run
	Bytes   int // of the history in protobuf, uncompressed, as it is sent and billed as storage
	Actions int // see Of
}

// Of counts the actions in the history of a run, by the list of
// https://docs.temporal.io/cloud/actions as of November 2026. Actions outside of the history
// are not counted. These are heartbeats, queries, refused updates, attempts of an activity that
// outlived the run, and a start that found an open run. An event without a rule is an error:
// the author of a new one adds its price.
func Of(h *historypb.History) (Cost, error) {
	c := Cost{Bytes: proto.Size(h)}
	for _, e := range h.GetEvents() {
		n, err := actions(e)
		if err != nil {
			return Cost{}, err
		}
		c.Actions += n
		if isTask(e.GetEventType()) {
			c.Tasks++
		} else {
			c.Events++
		}
	}
	if withStart(h.GetEvents()) {
		c.Actions--
	}
	return c, nil
}

func isTask(kind enumspb.EventType) bool {
	switch kind {
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED,
		enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
		enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		return true
	default:
		return false
	}
}

// actions are the billed actions of one event. Each case names its line of the list.
func actions(e *historypb.HistoryEvent) (int, error) {
	switch kind := e.GetEventType(); kind {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, // "Workflow started", also by continue-as-new
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,        // "Signal sent"
		enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,            // "Activity started"
		enumspb.EVENT_TYPE_TIMER_STARTED,                      // "Timer started"
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, // "Update received by Worker"; the same update ID again is free
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED, // "Workflow Execution Options updated"
		enumspb.EVENT_TYPE_MARKER_RECORDED:                    // markers of one task are one, so this is the most they are
		return 1, nil
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED: // "Activity retried": attempts after the first
		return int(max(e.GetActivityTaskStartedEventAttributes().GetAttempt()-1, 0)), nil
	case enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
		return upsert(e), nil
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED:
		return reset(e), nil
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED,
		enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT,
		enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, // by its ID too
		enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED, enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
		enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED, enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCELED,
		enumspb.EVENT_TYPE_TIMER_FIRED, enumspb.EVENT_TYPE_TIMER_CANCELED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, // not in the list
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED,           // nor is this
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UNPAUSED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,      // billed as the next run's start
		enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED, // billed as the child's start
		enumspb.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED,
		enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED, enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED,
		enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED, enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED,
		enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED, enumspb.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
		return 0, nil
	default:
		return 0, fmt.Errorf("event %d: no rule says what %s costs: look at https://docs.temporal.io/cloud/actions", e.GetEventId(), kind)
	}
}

// withStart reports that the first signal came with the start. Both are one action then ("one
// total action occurs for any Signal-With-Start"). The server writes the two events side by
// side. No other signal can come before the first workflow task is scheduled. Only a continued
// run may have to wait for that task.
func withStart(events []*historypb.HistoryEvent) bool {
	return len(events) > 1 && events[1].GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED &&
		events[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId() == ""
}

// upsert is "Search Attribute upsert requested". Attributes of the start are free, and so are
// GetVersion's own upserts.
func upsert(e *historypb.HistoryEvent) int {
	fields := e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes().GetIndexedFields()
	if _, ok := fields["TemporalChangeVersion"]; ok && len(fields) == 1 {
		return 0
	}
	return 1
}

// reset is "Workflow reset", which shows in the new run as a failed task.
func reset(e *historypb.HistoryEvent) int {
	if e.GetWorkflowTaskFailedEventAttributes().GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW {
		return 1
	}
	return 0
}
