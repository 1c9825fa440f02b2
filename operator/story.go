package operator

import (
	"errors"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
)

// story reads the history of a run, event by event, and needs no worker for it. A command of the
// run shows its transition, and the story makes the same one on a machine of its own. Names,
// policies and times are in clear. Reasons and addresses need the payload keys.
type story struct {
	flow   flow.Definition
	open   func(sealed *commonpb.Payloads, to ...any) error
	sealed bool // something that the product wrote could not be opened

	machine *statemachine.Machine[statemachine.State, statemachine.Event]
	in      flow.Request
	started time.Time
	task    time.Time // when the last workflow task started
	begun   map[int64]activity
	waits   int  // for a link to be used
	waiting bool // one of them is open
	decided bool // the store has answered the last submission
	bounced map[flow.BounceKind]int
	asked   int // requests since the last link mail was begun
	links   links
	untold  bool // the last attempt of the notice has reached no address
	owed    int  // notices to further addresses, and of earlier runs, that are being sent
	hadOwed bool // there was one
	end     end
}

// activity is one that was scheduled.
type activity struct {
	kind string    // its type, of a mail linkMail, noticeMail or owedMail
	mail flow.Mail // zero when it could not be opened
}

func newStory(d flow.Definition, open func(*commonpb.Payloads, ...any) error) *story {
	return &story{flow: d, open: open, machine: statemachine.New(d.Table), begun: map[int64]activity{}, bounced: map[flow.BounceKind]int{}}
}

// read takes the next event.
func (s *story) read(e *historypb.HistoryEvent) {
	at := e.GetEventTime().AsTime()
	switch e.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
		s.started = at
		s.unseal(e.GetWorkflowExecutionStartedEventAttributes().GetInput(), &s.in)
	case enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED:
		s.task = at
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
		s.timer(at, e.GetTimerStartedEventAttributes().GetStartToFireTimeout().AsDuration())
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
		s.signaled(e.GetWorkflowExecutionSignaledEventAttributes())
	case enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
		s.upserted(e.GetUpsertWorkflowSearchAttributesEventAttributes().GetSearchAttributes())
	default:
		s.close(e, at)
	}
}

// unseal reads payloads of the product itself.
func (s *story) unseal(sealed *commonpb.Payloads, to any) {
	s.sealed = s.open(sealed, to) != nil || s.sealed
}

// unsealAnswer reads payloads that anyone with access to the namespace may write. A run ignores
// foreign ones, and no key opens them.
func (s *story) unsealAnswer(sealed *commonpb.Payloads, to any) error {
	err := s.open(sealed, to)
	s.sealed = err != nil && !errors.Is(err, keys.ErrForeign) || s.sealed
	return err
}

// fire makes transitions. A forbidden one shows that a command was taken for another. It moves
// nothing, and RekeyState, which is in clear, corrects the state at the end.
func (s *story) fire(events ...statemachine.Event) {
	for _, e := range events {
		_ = s.machine.Fire(e)
	}
}

func (s *story) scheduled(event int64, a *historypb.ActivityTaskScheduledEventAttributes) {
	act := activity{kind: a.GetActivityType().GetName()}
	switch act.kind {
	case flow.AwaitTokenSubmission:
		if s.machine.Can(statemachine.PasswordBlocked) { // before the first link
			s.fire(statemachine.PasswordBlocked)
		}
		if s.waits++; s.waits > 1 { // the submission had no link
			s.fire(statemachine.TokenSubmitted, statemachine.TokenUnknown)
		}
		s.waiting = true
	case flow.ChangePassword:
		s.fire(statemachine.TokenSubmitted)
		s.decided = false
	case flow.SendEmail:
		act = s.mail(a)
	}
	s.begun[event] = act
}

// done takes the end of an activity; one that failed has no result.
func (s *story) done(event int64, at time.Time, result *commonpb.Payloads) {
	switch act := s.begun[event]; act.kind {
	case flow.AwaitTokenSubmission:
		s.waiting = false
	case flow.ChangePassword:
		s.decided = true
	case linkMail:
		s.linkDone(act.mail, at, result)
	case noticeMail, owedMail:
		s.noticeDone(act.kind, result)
	}
}

func (s *story) signaled(a *historypb.WorkflowExecutionSignaledEventAttributes) {
	switch a.GetSignalName() {
	case flow.BounceSignal:
		s.bounce(a)
		return
	case flow.RequestSignal:
	default:
		return
	}
	var c flow.Caller
	err := s.open(a.GetInput(), &c)
	if foreign := errors.Is(err, keys.ErrForeign) || err == nil && c.AccountKey != s.in.AccountKey; !foreign {
		s.asked++
	}
}

// bounce counts a report of a mail. Its kind needs the payload keys.
func (s *story) bounce(a *historypb.WorkflowExecutionSignaledEventAttributes) {
	b := flow.Bounce{}
	switch err := s.unsealAnswer(a.GetInput(), &b); {
	case err == nil && b.AccountKey == s.in.AccountKey:
		s.bounced[b.Kind]++
	case err != nil && !errors.Is(err, keys.ErrForeign):
		s.bounced[flow.MailBounced]++
	}
}

// upserted takes RekeyState: the end of the run, or the reason of its wait.
func (s *story) upserted(a *commonpb.SearchAttributes) {
	switch state, ok := flow.StateOf(a); {
	case !ok:
	case !flow.Going(state):
		s.machine = statemachine.At(s.flow.Table, state)
	case state != statemachine.StateRequested && s.waiting:
		s.links.repeat() // the answer of the link mail said so, and the mail is begun again
	}
}

// cancelable reports that a cancel counts. A run that blocks the password first heeds it afterwards.
func (s *story) cancelable() bool {
	return s.machine.Can(statemachine.Cancel) || s.machine.State() == s.flow.Table.Initial()
}

// state is that of the machine. Once Temporal has accepted a submission, it is token_submitted,
// also before a worker looks at it.
func (s *story) state() statemachine.State {
	if s.waits > 0 && !s.waiting && s.machine.Can(statemachine.TokenSubmitted) {
		return statemachine.StateTokenSubmitted
	}
	return s.machine.State()
}
