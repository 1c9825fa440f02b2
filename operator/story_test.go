package operator

import (
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

var midday = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// inClear reads payloads without a seal.
func inClear(p *commonpb.Payloads, to ...any) error {
	return converter.GetDefaultDataConverter().FromPayloads(p, to...)
}

// noKey reads nothing.
func noKey(*commonpb.Payloads, ...any) error { return keys.ErrUnknownKey }

// teller writes a history, an event a minute.
type teller struct {
	*testing.T
	*story
	last   int64
	shift  time.Duration // of the clock
	events []*historypb.HistoryEvent
}

func tell(t *testing.T) *teller {
	t.Helper()
	return tellWith(t, flow.Request{MailPause: time.Hour}, inClear)
}

func tellWith(t *testing.T, in flow.Request, open func(*commonpb.Payloads, ...any) error) *teller {
	t.Helper()
	return tellOf(t, workflow.ResetPassword, in, open)
}

func tellOf(t *testing.T, d flow.Definition, in flow.Request, open func(*commonpb.Payloads, ...any) error) *teller {
	t.Helper()
	w := &teller{T: t, story: newStory(d, open)}
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{Input: w.payloads(in)},
		},
	})
}

func (w *teller) payloads(v any) *commonpb.Payloads {
	w.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayloads(v)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *teller) add(e *historypb.HistoryEvent) *teller {
	w.last++
	e.EventId, e.EventTime = w.last, timestamppb.New(midday.Add(w.shift+time.Duration(w.last)*time.Minute))
	w.events = append(w.events, e)
	w.read(e)
	return w
}

// begin schedules an activity.
func (w *teller) begin(kind string) *teller { return w.beginWith(kind, struct{}{}) }

// link schedules a link mail, and notice the notice.
func (w *teller) link() *teller {
	return w.beginWith(flow.SendEmail, flow.Mail{Run: "run", Address: "ada@example.com"})
}

func (w *teller) notice(to ...string) *teller {
	return w.beginWith(flow.SendEmail, flow.Mail{Run: "run", Account: "ada", To: to})
}

func (w *teller) beginWith(kind string, in any) *teller {
	a := &historypb.ActivityTaskScheduledEventAttributes{
		ActivityType: &commonpb.ActivityType{Name: kind}, Input: w.payloads(in), ScheduleToCloseTimeout: durationpb.New(24 * time.Hour),
	}
	if m, ok := in.(flow.Mail); ok && m.Account != "" {
		a.StartToCloseTimeout = a.ScheduleToCloseTimeout
	}
	return w.add(&historypb.HistoryEvent{
		EventType:  enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
		Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{ActivityTaskScheduledEventAttributes: a},
	})
}

// end completes the activity whose event is n.
func (w *teller) end(n int64, result any) *teller {
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED,
		Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{ScheduledEventId: n, Result: w.payloads(result)},
		},
	})
}

func (w *teller) timeOut(n int64) *teller {
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT,
		Attributes: &historypb.HistoryEvent_ActivityTaskTimedOutEventAttributes{
			ActivityTaskTimedOutEventAttributes: &historypb.ActivityTaskTimedOutEventAttributes{ScheduledEventId: n},
		},
	})
}

func (w *teller) timer() *teller { return w.pause(31 * time.Minute) }

func (w *teller) pause(d time.Duration) *teller {
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_TIMER_STARTED,
		Attributes: &historypb.HistoryEvent_TimerStartedEventAttributes{
			TimerStartedEventAttributes: &historypb.TimerStartedEventAttributes{StartToFireTimeout: durationpb.New(d)},
		},
	})
}

func (w *teller) upsert(s statemachine.State) *teller {
	p, err := converter.GetDefaultDataConverter().ToPayload(string(s))
	if err != nil {
		w.Fatal(err)
	}
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
		Attributes: &historypb.HistoryEvent_UpsertWorkflowSearchAttributesEventAttributes{
			UpsertWorkflowSearchAttributesEventAttributes: &historypb.UpsertWorkflowSearchAttributesEventAttributes{
				SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{"RekeyState": p}},
			},
		},
	})
}

func (w *teller) complete(out flow.Outcome) *teller {
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{Result: w.payloads(out)},
		},
	})
}

// begun is a run that mails its first link.
func begun(t *testing.T) *teller {
	t.Helper()
	return tell(t).begin(flow.AwaitTokenSubmission).link()
}

// mailed is a run whose first link is mailed, or withheld.
func mailed(t *testing.T, why flow.Reason) *teller {
	t.Helper()
	return begun(t).end(3, flow.Delivery{Withheld: why}).timer()
}

func (w *teller) run() Run {
	return w.summary(target{"reset/4f1c", "0197b1a0-0000-7000-8000-000000000001"})
}

func (w *teller) close(kind enumspb.EventType) *teller {
	return w.add(&historypb.HistoryEvent{EventType: kind})
}

func TestStoryKnowsTheState(t *testing.T) {
	t.Parallel()
	changed := func() *teller {
		return mailed(t, "").end(2, flow.Submission{}).begin(flow.ChangePassword).end(7, flow.Verdict{}).notice()
	}
	for want, w := range map[string]*teller{
		"requested":             begun(t).end(3, flow.Delivery{}),
		"awaiting_token":        mailed(t, ""),
		"token_submitted":       mailed(t, "").end(2, flow.Submission{}),
		"password_changed":      changed(),
		"canceled":              mailed(t, "").upsert(statemachine.StateCanceled).begin(flow.RecordCancel),
		"completed":             mailed(t, "").upsert(statemachine.StateCompleted).complete(flow.Outcome{}),
		"terminated":            mailed(t, "").close(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED),
		"timed out":             mailed(t, "").close(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT),
		"failed":                mailed(t, "").close(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED),
		"canceled from outside": mailed(t, "").close(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED),
	} {
		settled := map[string]bool{"requested": false, "awaiting_token": false, "token_submitted": false}
		_, open := settled[want]
		if got := w.run(); got.State != want || got.Mails != 1 || got.Settled() == open {
			t.Errorf("state %s with %d mails, settled %t, want %s with 1", got.State, got.Mails, got.Settled(), want)
		}
	}
}

// A submission without a link ends no wait: the run goes on and mails links, not notices.
func TestStoryOfAForeignSubmission(t *testing.T) {
	t.Parallel()
	w := mailed(t, "").end(2, flow.Submission{}).begin(flow.ChangePassword).end(7, flow.Verdict{}).
		begin(flow.AwaitTokenSubmission).link()
	if r := w.run(); r.State != "awaiting_token" || r.Mails != 2 || !w.machine.Can(statemachine.Cancel) {
		t.Errorf("state %s, %d mails", r.State, r.Mails)
	}
}

// A cancel counts before a submission that no worker has begun to apply: the run learns of both at
// once.
func TestStoryOfASubmission(t *testing.T) {
	t.Parallel()
	w := mailed(t, "").end(2, flow.Submission{})
	if !w.machine.Can(statemachine.Cancel) {
		t.Error("too late for a cancel before a worker has seen the submission")
	}
	if w.begin(flow.ChangePassword); w.machine.Can(statemachine.Cancel) || w.run().State != "token_submitted" {
		t.Errorf("a cancel counts, state %s", w.run().State)
	}
}

func TestStoryWithoutKeys(t *testing.T) {
	t.Parallel()
	w := tellWith(t, flow.Request{}, noKey).begin(flow.AwaitTokenSubmission).link().
		end(3, flow.Delivery{Withheld: flow.Disabled}).timer().link().end(6, flow.Delivery{Withheld: flow.MailLimit})
	if r := w.run(); !r.Sealed || r.Mails != 2 || r.Withheld != "" {
		t.Errorf("sealed %t, %d mails, withheld %q", r.Sealed, r.Mails, r.Withheld)
	}
}

// An earlier reset's notice is no mail of this one, and no sign of a change.
func TestStoryOfAnOwedNotice(t *testing.T) {
	t.Parallel()
	for _, open := range []func(*commonpb.Payloads, ...any) error{inClear, noKey} {
		w := tellWith(t, flow.Request{}, open).notice("ada.backup@example.com")
		if r := w.run(); r.State != "requested" || r.Mails != 0 || !r.Owed {
			t.Errorf("before the wait: %+v", r)
		}
		w.begin(flow.AwaitTokenSubmission).link().end(4, flow.Delivery{}).timer()
		if r := w.run(); r.State != "awaiting_token" || r.Mails != 1 || !r.Owed || w.links.answered != 1 {
			t.Errorf("while it is owed: %+v, %d answered", r, w.links.answered)
		}
		if r := w.end(2, flow.Delivery{Notice: "run"}).run(); r.Owed || r.Mails != 1 {
			t.Errorf("after it: %+v", r)
		}
	}
}

// A change without a notice shows, also from the events alone.
func TestUntoldShows(t *testing.T) {
	t.Parallel()
	told := func(d flow.Delivery) *teller {
		w := tell(t).notice()
		return w.end(w.last, d).upsert(statemachine.StateCompleted)
	}
	late := tell(t).notice()
	late = late.timeOut(late.last).upsert(statemachine.StateCompleted)
	for name, tc := range map[string]struct {
		story *teller
		want  bool
	}{
		"told":            {told(flow.Delivery{}), false},
		"given up":        {told(flow.Delivery{Withheld: flow.MailFailed}), true},
		"failing all day": {late, true},
		"being told":      {tell(t).notice(), false},
	} {
		if r := tc.story.run(); r.Untold != tc.want {
			t.Errorf("%s: untold %t", name, r.Untold)
		}
	}
}

// The mail in progress shows, and the run does not expire meanwhile.
func TestMailOnItsWay(t *testing.T) {
	t.Parallel()
	r := mailed(t, "").run()
	r.mailing([]*workflowpb.PendingActivityInfo{{}, {
		ActivityType: &commonpb.ActivityType{Name: flow.SendEmail}, Attempt: 4, NextAttemptScheduleTime: timestamppb.New(midday),
	}})
	if !r.Expires.IsZero() || r.Trying == nil || *r.Trying != (Attempt{Number: 4, Next: midday}) {
		t.Errorf("expires %s, trying %+v", r.Expires, r.Trying)
	}
}

// A mail that is begun again keeps its number, also without the key. The pause before it is no
// timer of a link.
func TestStoryOfAMailBegunAgain(t *testing.T) {
	t.Parallel()
	for _, open := range []func(*commonpb.Payloads, ...any) error{inClear, noKey} {
		w := tellWith(t, flow.Request{}, open).begin(flow.AwaitTokenSubmission).link().timeOut(3).pause(10 * time.Second)
		if r := w.run(); r.State != "requested" || !r.Expires.IsZero() {
			t.Errorf("in the pause: %+v", r)
		}
		w.link()
		if r := w.run(); r.Mails != 1 || r.Withheld != "" || w.links.answered != 0 {
			t.Errorf("begun again: %+v, %d answered", r, w.links.answered)
		}
	}
}

// Signals of strangers, or about another account, are no requests.
func TestForeignRequestsDoNotCount(t *testing.T) {
	t.Parallel()
	foreign := func(p *commonpb.Payloads, to ...any) error {
		if _, signal := to[0].(*flow.Caller); signal {
			return keys.ErrForeign
		}
		return inClear(p, to...)
	}
	for name, tc := range map[string]struct {
		open func(*commonpb.Payloads, ...any) error
		key  string
		want int
	}{
		"ours": {inClear, "4f1c", 1}, "another account": {inClear, "5a", 0}, "in clear": {foreign, "4f1c", 0}, "no key": {noKey, "5a", 1},
	} {
		w := tellWith(t, flow.Request{AccountKey: "4f1c"}, tc.open)
		w.add(&historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
				WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
					SignalName: flow.RequestSignal, Input: w.payloads(flow.Caller{AccountKey: tc.key}),
				},
			},
		})
		if r := w.run(); r.Asked != tc.want {
			t.Errorf("%s: %d requests", name, r.Asked)
		}
	}
}

// A bounce shows its kind with the payload keys only. Signals of strangers, or about another account,
// do not count.
func TestBouncesOfAStory(t *testing.T) {
	t.Parallel()
	foreign := func(p *commonpb.Payloads, to ...any) error {
		if _, signal := to[0].(*flow.Bounce); signal {
			return keys.ErrForeign
		}
		return inClear(p, to...)
	}
	for name, tc := range map[string]struct {
		open                func(*commonpb.Payloads, ...any) error
		key                 string
		bounces, complaints int
		sealed              bool
	}{
		"ours":            {inClear, "4f1c", 0, 1, false},
		"another account": {inClear, "5a", 0, 0, false},
		"in clear":        {foreign, "4f1c", 0, 0, false},
		"no key":          {noKey, "4f1c", 1, 0, true},
	} {
		w := tellWith(t, flow.Request{AccountKey: "4f1c"}, tc.open)
		w.add(&historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
				WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
					SignalName: flow.BounceSignal, Input: w.payloads(flow.Bounce{AccountKey: tc.key, Kind: flow.MailComplaint}),
				},
			},
		})
		if r := w.run(); r.Bounces != tc.bounces || r.Complaints != tc.complaints || r.Sealed != tc.sealed || r.Asked != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
