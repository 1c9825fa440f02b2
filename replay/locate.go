package replay

import (
	"errors"
	"sort"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
)

// task is a completed workflow task. It started with the event of the ID started, and
// events[completed] completes it. Its decisions, and other events before the next task, follow up
// to events[end].
type task struct {
	completed, end int
	started        int64
}

// tasks lists the completed workflow tasks. An event outside of all tasks has caused no
// command yet.
func tasks(events []*historypb.HistoryEvent) []task {
	var all []task
	open, started := false, int64(0)
	for i, e := range events {
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			all, open = append(all, task{completed: i, started: started}), true
		}
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED {
			open, started = false, e.GetEventId()
		}
		if open {
			all[len(all)-1].end = i + 1
		}
	}
	return all
}

// locate finds where a history leaves the code. The SDK's error has the attributes of the event
// but not its ID, and of a panic neither. So the history is replayed again, cut off after one
// event and then the next. Of a history that ends too early, the SDK names the left-over command
// of the code.
func (r *Replayer) locate(events []*historypb.HistoryEvent, all []task) *Divergence {
	n := sort.Search(len(all)-1, func(i int) bool {
		_, err := r.replay(events[:all[i].end])
		return err != nil
	})
	first := all[n].completed
	next, err := r.next(events[:first+1])
	if err != nil {
		return diverges(events[first], stops(err))
	}
	for _, e := range events[first+1 : all[n].end] {
		command, err := r.next(events[:e.GetEventId()])
		if err != nil {
			return diverges(e, next)
		}
		next = command
	}
	return diverges(events[first], "also "+next)
}

// next is the first command of the code that a short history leaves over. An error means that the
// two have parted before.
func (r *Replayer) next(events []*historypb.HistoryEvent) (string, error) {
	_, err := r.replay(events)
	if err == nil {
		return "does nothing", nil
	}
	if _, command, ok := strings.Cut(err.Error(), "extra replay command for "); ok {
		return does(command), nil
	}
	return "", err
}

// stops describes how the code ends before its first decision.
func stops(err error) string {
	if errors.As(err, new(interface {
		error
		StackTrace() string
	})) {
		return "panics"
	}
	return "cannot go on" // the history was written by a newer SDK, for example
}

func diverges(e *historypb.HistoryEvent, code string) *Divergence {
	return &Divergence{Event: e.GetEventId(), What: happened(e), Code: code}
}
