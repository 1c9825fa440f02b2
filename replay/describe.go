package replay

import (
	"regexp"
	"strings"

	historypb "go.temporal.io/api/history/v1"
)

// happened names an event: its type, and the activity that it schedules.
func happened(e *historypb.HistoryEvent) string {
	what := e.GetEventType().String()
	if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
		what += " " + a.GetActivityType().GetName()
	}
	return what
}

var activityName = regexp.MustCompile(`ActivityType:\(Name:([^)]*)\)`)

// does puts a command as the SDK writes it into words, without its attributes: they are payloads
// for the most part.
func does(command string) string {
	kind, attributes, _ := strings.Cut(command, ":")
	name := activityName.FindStringSubmatch(attributes)
	switch {
	case kind == "ScheduleActivityTask" && name != nil:
		return "schedules " + name[1]
	case kind == "StartTimer":
		return "starts a timer"
	default:
		return "issues " + kind
	}
}
