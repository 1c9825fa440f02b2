package e2e

import (
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
)

// schedules is a run that schedules n activities of a type.
func schedules(activity string, n int) rule {
	return rule{fmt.Sprintf("%s scheduled: %d", activity, n), func(r *recordedRun) bool {
		return len(scheduled(r.History, activity)) == n
	}}
}

// repeats is a run whose n-th activity of a type needed another attempt.
func repeats(activity string, n int, because cause) rule {
	return rule{fmt.Sprintf("another attempt at %s no. %d %s", activity, n, because.what), func(r *recordedRun) bool {
		all := scheduled(r.History, activity)
		if len(all) < n {
			return false
		}
		started := startOf(r.History, all[n-1])
		return started.GetAttempt() > 1 && because.holds(started.GetLastFailure())
	}}
}

// cause is why an attempt was the last but one.
type cause struct {
	what  string
	holds func(*failurepb.Failure) bool
}

var (
	becauseItFailed  = cause{"because it failed", func(f *failurepb.Failure) bool { return f.GetApplicationFailureInfo() != nil }}
	becauseOfSilence = cause{"because its worker was silent", func(f *failurepb.Failure) bool {
		return f.GetTimeoutFailureInfo().GetTimeoutType() == enumspb.TIMEOUT_TYPE_HEARTBEAT
	}}
)

// scheduled are the event IDs of the activities of a type.
func scheduled(h *historypb.History, activity string) (ids []int64) {
	for _, e := range h.GetEvents() {
		if e.GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == activity {
			ids = append(ids, e.GetEventId())
		}
	}
	return ids
}

func startOf(h *historypb.History, scheduled int64) *historypb.ActivityTaskStartedEventAttributes {
	for _, e := range h.GetEvents() {
		if a := e.GetActivityTaskStartedEventAttributes(); a.GetScheduledEventId() == scheduled {
			return a
		}
	}
	return nil
}

// workers is a run that two workers worked on, the second after the first.
var workers = rule{"tasks of the worker that was killed and then of the next", func(r *recordedRun) bool {
	var seen []string
	for _, e := range r.GetEvents() {
		who := e.GetWorkflowTaskCompletedEventAttributes().GetIdentity()
		if who != "" && (len(seen) == 0 || seen[len(seen)-1] != who) {
			seen = append(seen, who)
		}
	}
	return len(seen) == 2 && seen[0] == identity+"-worker-1" && seen[1] == identity+"-worker-2"
}}

// misses is a run that Temporal offered in vain to the worker that waited for its link.
var misses = rule{"a task that no worker took, after the link's timer began and before the change", func(r *recordedRun) bool {
	waiting := false
	for _, e := range r.GetEvents() {
		switch kind := e.GetEventType(); {
		case kind == enumspb.EVENT_TYPE_TIMER_STARTED:
			waiting = true
		case kind == enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
			return waiting && e.GetWorkflowTaskTimedOutEventAttributes().GetTimeoutType() == enumspb.TIMEOUT_TYPE_SCHEDULE_TO_START
		case kind == enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED && waiting:
			return false
		}
	}
	return false
}}
