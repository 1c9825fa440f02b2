package e2e

import (
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/flow"
)

// event is something that a run hears of.
type event struct {
	what string
	is   func(h *historypb.History, e *historypb.HistoryEvent) bool
}

var (
	linkUsed           = event{"the use of a link", completes(flow.AwaitTokenSubmission)}
	linkMailed         = event{"a mail", completes(flow.SendEmail)}
	askedAgain         = event{"a request", signaled(flow.RequestSignal)}
	canceledByOperator = event{"a cancel in Temporal", ofKind(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED)}
	timeIsUp           = event{"the expiry", ofKind(enumspb.EVENT_TYPE_TIMER_FIRED)}
)

func completes(activity string) func(*historypb.History, *historypb.HistoryEvent) bool {
	return func(h *historypb.History, e *historypb.HistoryEvent) bool {
		scheduled := e.GetActivityTaskCompletedEventAttributes().GetScheduledEventId()
		return scheduled > 0 && h.GetEvents()[scheduled-1].GetActivityTaskScheduledEventAttributes().GetActivityType().GetName() == activity
	}
}

func signaled(name string) func(*historypb.History, *historypb.HistoryEvent) bool {
	return func(_ *historypb.History, e *historypb.HistoryEvent) bool {
		return e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == name
	}
}

func ofKind(kind enumspb.EventType) func(*historypb.History, *historypb.HistoryEvent) bool {
	return func(_ *historypb.History, e *historypb.HistoryEvent) bool { return e.GetEventType() == kind }
}

// inOneTask is a run that hears of two events in one workflow task.
func inOneTask(one, other event) rule {
	return rule{fmt.Sprintf("%s and %s in one workflow task", one.what, other.what), func(r *recordedRun) bool {
		var first, second bool
		for _, e := range r.GetEvents() {
			first, second = first || one.is(r.History, e), second || other.is(r.History, e)
			if e.GetEventType() != enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
				continue
			}
			if first && second {
				return true
			}
			first, second = false, false
		}
		return false
	}}
}

// overdueMail is a run whose second mail is taken after the first link's timer has fired.
var overdueMail = rule{"a second mail that is late", func(r *recordedRun) bool {
	fired, taken := 0, 0
	for _, e := range r.GetEvents() {
		switch {
		case timeIsUp.is(r.History, e):
			fired++
		case linkMailed.is(r.History, e):
			if taken++; taken == 2 {
				return fired == 1
			}
		}
	}
	return false
}}
