package replay_test

import (
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rekeyhq/rekey/flow"
)

// Each is a run of other code, whose values this code does not pass.
func TestOtherValues(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	const mail = "event 6 ActivityTaskScheduled send-email: the code passes "
	for want, change := range map[string]func(*story){
		"": func(*story) {},
		mail + "another Life, another Number, no Colour": func(s *story) {
			s.input(6, s.sealed(map[string]any{"Number": 2, "Run": runID, "Sender": runID, "Life": 1, "Address": address, "Colour": "red"}))
		},
		mail + "another Sender": func(s *story) {
			s.input(6, s.sealed(flow.Mail{Number: 1, Run: runID, Sender: "other", Life: linkLife, Address: address}))
		},
		mail + "another number of values": func(s *story) { s.input(6, nil) },
		mail + "another kind of value":    func(s *story) { s.input(6, s.sealed([]byte("{}"))) },
		mail + "another Address, another Life, another Number, another Run, more": func(s *story) {
			s.input(6, s.sealed(flow.Mail{Run: "x", Sender: "x", Address: "x", Life: 1}))
		},
		"event 12 TimerStarted: the code passes another duration": func(s *story) {
			s.events[11].GetTimerStartedEventAttributes().StartToFireTimeout = durationpb.New(linkLife)
		},
		"event 1 WorkflowExecutionStarted: the code reads no Colour": func(s *story) {
			s.events[0].GetWorkflowExecutionStartedEventAttributes().Input = s.sealed(map[string]any{
				"Address": address, "AccountKey": accountKey, "LinkLife": linkLife, "CoolDown": time.Minute, "Colour": "red",
			})
		},
		"event 8 ActivityTaskCompleted: the code reads no Colour": func(s *story) {
			s.events[7].GetActivityTaskCompletedEventAttributes().Result = s.sealed(map[string]any{"Colour": "red"})
		},
	} {
		s := mailed(t, c)
		change(s)
		err := check(t, c, s.events)
		if want == "" && err == nil {
			continue
		}
		if err == nil || err.Error() != want || strings.Contains(err.Error(), "alice") {
			t.Errorf("%v, not %q", err, want)
		}
	}
}

func (s *story) input(event int, p *commonpb.Payloads) {
	s.events[event-1].GetActivityTaskScheduledEventAttributes().Input = p
}

// An unread value leads the code elsewhere later. The first of the two is reported.
func TestValueBeforeTheEventThatItLeadsTo(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	s := mailing(t, c)
	s.completed(6, s.sealed(map[string]any{"Held": flow.NoAccount}))
	s.decided()
	s.scheduled("", flow.RecordCancel)
	if err := check(t, c, s.events); err == nil || err.Error() != "event 8 ActivityTaskCompleted: the code reads no Held" {
		t.Errorf("%v", err)
	}
}

// security 27: a stranger who copies a sealed payload to another place makes no build look
// incompatible.
func TestCopiedPayloads(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	s := mailing(t, c)
	for _, v := range []any{
		flow.Request{Address: address, Previous: &flow.Outcome{}},
		flow.Mail{Number: 2, Account: "x"},
		flow.Delivery{Left: []string{"x"}},
		flow.Cancellation{Meant: "x"},
		flow.Change{},
		flow.Verdict{Reason: "x"},
		flow.Outcome{Mails: 1},
		flow.Submission{Sealed: []byte("x")},
	} {
		s.signaled(s.sealed(v))
	}
	s.decided()
	must(t, check(t, c, s.events))
	s.signaled(s.sealed(map[string]any{"AccountKey": "x", "Held": 1}))
	s.decided()
	if err := check(t, c, s.events); err == nil || !strings.HasSuffix(err.Error(), "WorkflowExecutionSignaled: the code reads no Held") {
		t.Errorf("%v", err)
	}
}

// A workflow reset goes on under another run ID. A replay does not know which events have which of
// the two. Another ID than these is another value.
func TestRunThatWasReset(t *testing.T) {
	t.Parallel()
	const second = "0198c0de-0000-7000-8000-000000000002"
	_, c := keyset(t)
	for want, sender := range map[string]string{"": second, "another Sender": "0198c0de-0000-7000-8000-000000000003"} {
		s := begun(t, c)
		s.task()
		s.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED, &historypb.HistoryEvent{
			Attributes: &historypb.HistoryEvent_WorkflowTaskFailedEventAttributes{
				WorkflowTaskFailedEventAttributes: &historypb.WorkflowTaskFailedEventAttributes{
					Cause: enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW, BaseRunId: runID, NewRunId: second,
				},
			},
		})
		s.decided()
		s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
		s.scheduledWith("", flow.SendEmail, s.sealed(flow.Mail{Number: 1, Run: runID, Sender: sender, Life: linkLife, Address: address}))
		err := check(t, c, s.events)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
			t.Errorf("%v, not %q", err, want)
		}
	}
}
