package operator

import (
	"regexp"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/flow"
)

// The ends of a run by other means than its own steps. Each stands in the place of a state. The
// state canceled is the reset's own end of that name.
const (
	Terminated          = "terminated"
	Failed              = "failed"
	TimedOut            = "timed out"
	CanceledFromOutside = "canceled from outside"
)

// end is how a run ended.
type end struct {
	at      time.Time // zero for an open run
	outside string    // one of the above, "" for the end that its steps led to
	failure string    // the type of its failure
	refused string    // why the store refused the change
}

// close reads the last event of a run; any other event changes nothing.
func (s *story) close(e *historypb.HistoryEvent, at time.Time) {
	var out flow.Outcome
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		s.unseal(e.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &out)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		next := flow.Request{Previous: &out}
		s.unseal(e.GetWorkflowExecutionContinuedAsNewEventAttributes().GetInput(), &next)
		s.asked = 0 // the run that follows answers
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		s.end.outside = Terminated
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		s.end.outside = Failed
		s.end.failure = kindOf(e.GetWorkflowExecutionFailedEventAttributes().GetFailure())
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		s.end.outside = TimedOut
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		s.end.outside = CanceledFromOutside
	default:
		return
	}
	s.end.at, s.end.refused = at, out.Refused
}

var failureType = regexp.MustCompile(`^[A-Za-z0-9_.*-]{1,64}$`)

// kindOf is the type of a failure, which is in clear. Anyone with access to the namespace can
// report one of any type, so a text that is no type is not shown.
func kindOf(f *failurepb.Failure) string {
	switch kind := f.GetApplicationFailureInfo().GetType(); {
	case f.GetTimeoutFailureInfo() != nil:
		return "timeout"
	case failureType.MatchString(kind):
		return kind
	default:
		return ""
	}
}
