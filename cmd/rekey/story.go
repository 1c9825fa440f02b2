package main

import (
	"cmp"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// story is what the history of a run tells. It needs no worker, and without the payload
// keys it tells all but why: names of activities and times are in clear.
type story struct {
	open   func(sealed *commonpb.Payloads, to ...any) bool
	sealed bool // something could not be opened

	state           statemachine.State // as the search attribute has it
	waiting         bool               // for a link to be used
	decided         bool               // a worker knows what became of the first mail: a timer runs
	changing        bool               // a submission is being applied, or was: no cancel counts
	notice          bool               // the owner is being told, or was
	untold          bool               // what was tried last of that has reached nobody
	started, ended  time.Time
	failure         string // the type of what failed it
	closed          string // what ended it from outside, "" for its own end
	mails, answered int    // link mails that were begun, and that are decided
	repeats         bool   // the next link mail is the one before, begun again
	asked           int    // requests since the last of them was begun
	mailedAt        time.Time
	expires         time.Time // the timer of an open wait
	in              workflow.Request
	withheld        workflow.Reason
	refused         string

	kinds map[int64]string // of activities, by the event that scheduled them
}

// linkMail is a send-email of a link. The notice is one too, and its name is all that is
// in clear: it comes when no wait is open, a link only while one is. What the run before
// still owed comes then too, and only the keys tell.
const (
	linkMail   = "link"
	noticeMail = "notice"
)

func (s *story) read(e *historypb.HistoryEvent) {
	at := e.GetEventTime().AsTime()
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		s.started = at
		s.unseal(e.GetWorkflowExecutionStartedEventAttributes().GetInput(), &s.in)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
		s.scheduled(e.GetEventId(), e.GetActivityTaskScheduledEventAttributes())
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
		done := e.GetActivityTaskCompletedEventAttributes()
		s.done(done.GetScheduledEventId(), at, done.GetResult())
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED:
		s.done(e.GetActivityTaskFailedEventAttributes().GetScheduledEventId(), at, nil)
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
		s.done(e.GetActivityTaskTimedOutEventAttributes().GetScheduledEventId(), at, nil)
	case enumspb.EVENT_TYPE_TIMER_STARTED:
		if s.waiting {
			s.decided = true
			s.expires = at.Add(e.GetTimerStartedEventAttributes().GetStartToFireTimeout().AsDuration())
		}
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		if e.GetWorkflowExecutionSignaledEventAttributes().GetSignalName() == workflow.RequestSignal {
			s.asked++
		}
	case enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
		s.upserted(e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes())
	default:
		s.close(e, at)
	}
}

func (s *story) unseal(sealed *commonpb.Payloads, to any) {
	s.sealed = !s.open(sealed, to) || s.sealed
}

func (s *story) scheduled(event int64, a *historypb.ActivityTaskScheduledEventAttributes) {
	kind := a.GetActivityType().GetName()
	switch kind {
	case workflow.AwaitTokenSubmission:
		s.waiting, s.changing = true, false
	case workflow.ChangePassword:
		s.changing = true
	case workflow.SendEmail:
		var m workflow.Mail
		s.unseal(a.GetInput(), &m)
		switch {
		case len(m.To) > 0:
		case s.waiting:
			s.link(m)
			kind = linkMail
		default:
			s.notice, kind = true, noticeMail
		}
	}
	s.kinds[event] = kind
}

// link is told of a link mail that begins. One that is begun again has the number that it had.
func (s *story) link(m workflow.Mail) {
	next := s.mails + 1
	if s.repeats {
		next = s.mails
	}
	s.repeats = false
	s.mails = max(cmp.Or(m.Number, next), s.mails)
	s.answered = min(s.answered, s.mails-1)
	s.asked = 0
}

// done is told how an activity ended; one that failed has no result.
func (s *story) done(event int64, at time.Time, result *commonpb.Payloads) {
	switch s.kinds[event] {
	case workflow.AwaitTokenSubmission:
		s.waiting = false
	case noticeMail:
		s.untold = s.delivery(result).Withheld != ""
	case linkMail:
		d := s.delivery(result)
		if d.Waits != "" {
			return // it is begun again
		}
		s.answered, s.mailedAt, s.withheld = s.answered+1, at, d.Withheld
		s.expires = time.Time{} // the timer starts again
	}
}

// delivery is what became of a mail; one that failed for a day has no result.
func (s *story) delivery(result *commonpb.Payloads) workflow.Delivery {
	if result == nil {
		return workflow.Delivery{Withheld: workflow.MailFailed}
	}
	var d workflow.Delivery
	s.unseal(result, &d)
	return d
}

func (s *story) upserted(a *commonpb.SearchAttributes) {
	state, _ := workflow.StateOf(a)
	if state == "" {
		return
	}
	s.state = state
	if keptWaiting := workflow.Going(state) && state != statemachine.StateRequested; keptWaiting && s.waiting {
		s.answered = min(s.answered, s.mails-1) // the link mail that seemed to be over is begun again
		s.repeats = true
	}
}

// close reads the last event of a run; any other tells nothing here.
func (s *story) close(e *historypb.HistoryEvent, at time.Time) {
	var out workflow.Outcome
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		s.unseal(e.GetWorkflowExecutionCompletedEventAttributes().GetResult(), &out)
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		next := workflow.Request{Previous: &out}
		s.unseal(e.GetWorkflowExecutionContinuedAsNewEventAttributes().GetInput(), &next)
		s.asked = 0 // the run that follows answers
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
		s.closed = "terminated"
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		s.closed = "failed"
		s.failure = kindOf(e.GetWorkflowExecutionFailedEventAttributes().GetFailure())
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
		s.closed = "timed out"
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: // the reset's own end of that name is Completed
		s.closed = "canceled from outside"
	default:
		return
	}
	s.ended, s.refused = at, out.Refused
}

// now is the state of a run, or what ended it from outside.
func (s *story) now() string {
	switch {
	case s.closed != "":
		return s.closed
	case s.state != "" && !workflow.Going(s.state):
		return string(s.state)
	case s.notice:
		return string(statemachine.StatePasswordChanged)
	case !s.waiting && len(s.kinds) > 0:
		return string(statemachine.StateTokenSubmitted)
	case s.decided:
		return string(statemachine.StateAwaitingToken)
	default:
		return string(statemachine.StateRequested)
	}
}
