package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

var midday = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// teller writes a history, an event a minute.
type teller struct {
	*testing.T
	*story
	last int64
}

func tell(t *testing.T) *teller {
	t.Helper()
	plain := converter.GetDefaultDataConverter()
	w := &teller{t, &story{kinds: map[int64]string{}, open: func(p *commonpb.Payloads, to ...any) bool {
		return plain.FromPayloads(p, to...) == nil
	}}, 0}
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
				Input: w.payloads(workflow.Request{CoolDown: time.Hour}),
			},
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
	e.EventId, e.EventTime = w.last, timestamppb.New(midday.Add(time.Duration(w.last)*time.Minute))
	w.read(e)
	return w
}

// begin schedules an activity, whose event is n.
func (w *teller) begin(kind string) *teller { return w.beginWith(kind, struct{}{}) }

func (w *teller) beginWith(kind string, in any) *teller {
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
		Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
			ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{
				ActivityType: &commonpb.ActivityType{Name: kind}, Input: w.payloads(in),
			},
		},
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

func (w *teller) timer() *teller {
	return w.add(&historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_TIMER_STARTED,
		Attributes: &historypb.HistoryEvent_TimerStartedEventAttributes{
			TimerStartedEventAttributes: &historypb.TimerStartedEventAttributes{StartToFireTimeout: durationpb.New(31 * time.Minute)},
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

func (w *teller) complete(out workflow.Outcome) *teller {
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
	return tell(t).begin(workflow.AwaitTokenSubmission).begin(workflow.SendEmail)
}

// mailed is a run whose first link is mailed, or withheld.
func mailed(t *testing.T, why workflow.Reason) *teller {
	t.Helper()
	return begun(t).end(3, workflow.Delivery{Withheld: why}).timer()
}

func numbered(n int, w *teller) resetRun {
	return w.summary(target{"reset/4f1c", fmt.Sprintf("0197b1a0-0000-7000-8000-%012d", n)})
}

func TestStoryKnowsTheState(t *testing.T) {
	t.Parallel()
	for want, w := range map[string]*teller{
		"requested":       begun(t).end(3, workflow.Delivery{}),
		"awaiting_token":  mailed(t, ""),
		"token_submitted": mailed(t, "").end(2, workflow.Submission{}),
		"password_changed": mailed(t, "").end(2, workflow.Submission{}).begin(workflow.ChangePassword).
			end(7, workflow.Verdict{}).begin(workflow.SendEmail),
		"canceled":  mailed(t, "").upsert(statemachine.StateCanceled).begin(workflow.RecordCancel),
		"completed": mailed(t, "").upsert(statemachine.StateCompleted).complete(workflow.Outcome{}),
		"terminated": mailed(t, "").add(&historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
		}),
		"timed out": mailed(t, "").add(&historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
		}),
		"canceled from outside": mailed(t, "").add(&historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
		}),
	} {
		if got := w.now(); got != want || w.mails != 1 {
			t.Errorf("state %s with %d mails, want %s with 1", got, w.mails, want)
		}
	}
}

// What nobody's link made ends no wait: the run goes on and mails links, not notices.
func TestStoryOfNobodysSubmission(t *testing.T) {
	t.Parallel()
	w := mailed(t, "").end(2, workflow.Submission{}).begin(workflow.ChangePassword).end(7, workflow.Verdict{}).
		begin(workflow.AwaitTokenSubmission).begin(workflow.SendEmail)
	if w.now() != "awaiting_token" || w.mails != 2 || w.notice || w.changing {
		t.Errorf("state %s, %d mails, notice %t, changing %t", w.now(), w.mails, w.notice, w.changing)
	}
}

// A submission that no worker has begun to apply does not count before a cancel: the run
// learns of both at once.
func TestStoryOfASubmission(t *testing.T) {
	t.Parallel()
	w := mailed(t, "").end(2, workflow.Submission{})
	if w.changing {
		t.Error("changing before a worker does")
	}
	if w.begin(workflow.ChangePassword); !w.changing || w.now() != "token_submitted" {
		t.Errorf("changing %t, state %s", w.changing, w.now())
	}
}

func TestStoryWithoutKeys(t *testing.T) {
	t.Parallel()
	w := mailed(t, workflow.Disabled)
	w.open = func(*commonpb.Payloads, ...any) bool { return false }
	w.timer().begin(workflow.SendEmail).end(7, workflow.Delivery{Withheld: workflow.MailLimit})
	if !w.sealed || w.mails != 2 || w.withheld != "" {
		t.Errorf("sealed %t, %d mails, withheld %q", w.sealed, w.mails, w.withheld)
	}
}

func TestRunsInATable(t *testing.T) {
	t.Parallel()
	ui := numbered(7, mailed(t, workflow.MailLimit))
	ui.URL = page("https://temporal.example.com/", "accounts", ui)
	trying, retrying := numbered(1, begun(t)), numbered(2, begun(t))
	pending := &workflowpb.PendingActivityInfo{ActivityType: &commonpb.ActivityType{Name: workflow.SendEmail}, Attempt: 1}
	trying.mailing([]*workflowpb.PendingActivityInfo{{}, pending})
	pending.Attempt, pending.NextAttemptScheduleTime = 4, timestamppb.New(midday.Add(time.Hour))
	retrying.mailing([]*workflowpb.PendingActivityInfo{pending})
	sealed := numbered(3, mailed(t, ""))
	sealed.Sealed = true
	runs := []resetRun{
		trying, retrying, sealed,
		numbered(4, begun(t).timeOut(3).timer()),
		numbered(5, mailed(t, "").upsert(statemachine.StateRefused).complete(workflow.Outcome{Refused: "refused: the account is gone"})),
		numbered(6, mailed(t, "").timer().upsert(statemachine.StateExpired).complete(workflow.Outcome{})),
		ui,
	}
	var table, asJSON bytes.Buffer
	if err := writeRuns(&table, runs); err != nil {
		t.Fatal(err)
	}
	if err := writeJSON(&asJSON, runs); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "find.golden", table.String())
	golden.Check(t, "find.json", asJSON.String())
}

// What the run before still owed to somebody is no mail of this one.
func TestStoryOfAnOwedNotice(t *testing.T) {
	t.Parallel()
	w := begun(t).beginWith(workflow.SendEmail, workflow.Mail{To: []string{"ada.backup@example.com"}}).
		end(3, workflow.Delivery{}).timer().end(4, workflow.Delivery{})
	if w.now() != "awaiting_token" || w.mails != 1 || w.answered != 1 || w.notice {
		t.Errorf("state %s, %d mails, %d answered, notice %t", w.now(), w.mails, w.answered, w.notice)
	}
}

// A change that nobody was told of shows, also where only the events can be read.
func TestUntoldShows(t *testing.T) {
	t.Parallel()
	notice := workflow.Mail{Account: "ann"}
	told := func(d workflow.Delivery) *teller {
		w := tell(t).beginWith(workflow.SendEmail, notice)
		return w.end(w.last, d).upsert(statemachine.StateCompleted)
	}
	late := tell(t).beginWith(workflow.SendEmail, notice)
	late = late.timeOut(late.last).upsert(statemachine.StateCompleted)
	for name, tc := range map[string]struct {
		story *teller
		want  bool
	}{
		"told":            {told(workflow.Delivery{}), false},
		"given up":        {told(workflow.Delivery{Withheld: workflow.MailFailed}), true},
		"failing all day": {late, true},
		"being told":      {tell(t).beginWith(workflow.SendEmail, notice), false},
	} {
		r := tc.story.summary(target{})
		if r.Untold != tc.want || strings.Contains(r.note(), "nobody was told") != tc.want {
			t.Errorf("%s: untold %t, note %q", name, r.Untold, r.note())
		}
	}
}

// A request that the next run answers was not made in vain, in recorded runs that ended so.
func TestStoryOfALateRequest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"late-request", "notice-owed-late-request", "used-and-asked"} {
		text, err := os.ReadFile("../../workflow/testdata/histories/v0.2.0/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		history, err := client.HistoryFromJSON(bytes.NewReader(text), client.HistoryJSONOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s := &story{kinds: map[int64]string{}, open: func(*commonpb.Payloads, ...any) bool { return false }}
		most := 0
		for _, e := range history.GetEvents() {
			s.read(e)
			most = max(most, s.asked)
		}
		if s.asked != 0 || most == 0 {
			t.Errorf("%s: %d requests mailed nothing, %d before its end", name, s.asked, most)
		}
	}
}
