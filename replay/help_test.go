package replay_test

import (
	"path/filepath"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	accountKey = "0123456789abcdef0123456789abcdef"
	address    = "alice@example.com"
	runID      = "0198c0de-0000-7000-8000-000000000001"
	linkLife   = 30 * time.Minute
)

// keyset makes a folder of keysets and returns it with its payload codec.
func keyset(t *testing.T) (string, *keys.Codec) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	must(t, keys.Create(dir, false))
	return dir, codec(t, dir)
}

func codec(t *testing.T, dir string) *keys.Codec {
	t.Helper()
	c, err := keys.Open(dir).Payload()
	must(t, err)
	return c
}

func check(t *testing.T, c *keys.Codec, events []*historypb.HistoryEvent) error {
	t.Helper()
	converter := keys.DataConverter(c)
	r, err := replay.New(replay.Config{
		Workflows: workflow.Workflows(), Values: flow.Values(),
		DataConverter: converter, FailureConverter: keys.FailureConverter(converter), Codec: c, Encoded: keys.IsSealed,
	})
	must(t, err)
	_, err = r.Check(&historypb.History{Events: events})
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// story writes a history as the server would.
type story struct {
	t      *testing.T
	codec  *keys.Codec
	events []*historypb.HistoryEvent
}

func (s *story) add(kind enumspb.EventType, e *historypb.HistoryEvent) {
	e.EventId, e.EventType = int64(len(s.events))+1, kind
	s.events = append(s.events, e)
}

func (s *story) sealed(v any) *commonpb.Payloads {
	p, err := keys.DataConverter(s.codec).ToPayloads(v)
	must(s.t, err)
	return p
}

// begun is a run of one account, on its way to its first workflow task.
func begun(t *testing.T, c *keys.Codec) *story {
	t.Helper()
	s := &story{t: t, codec: c}
	s.start(s.sealed(flow.Request{
		Address: address, AccountKey: accountKey, LinkLife: linkLife, MailPause: time.Minute,
	}))
	return s
}

func (s *story) start(input *commonpb.Payloads) {
	s.add(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
				WorkflowId: workflow.ResetPassword.ID(accountKey), OriginalExecutionRunId: runID,
				WorkflowType: &commonpb.WorkflowType{Name: workflow.ResetPassword.Name}, Input: input,
				TaskQueue: &taskqueuepb.TaskQueue{Name: flow.TaskQueue},
			},
		},
	})
}

// task is a workflow task that begins.
func (s *story) task() {
	s.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED, &historypb.HistoryEvent{})
	s.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED, &historypb.HistoryEvent{})
}

// decided is a workflow task that was completed.
func (s *story) decided() {
	s.task()
	s.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowTaskCompletedEventAttributes{
			WorkflowTaskCompletedEventAttributes: &historypb.WorkflowTaskCompletedEventAttributes{},
		},
	})
}

// mail is the first link mail of a run.
func (s *story) mail() *commonpb.Payloads {
	return s.sealed(flow.Mail{Number: 1, Run: runID, Sender: runID, Life: linkLife, Address: address})
}

// scheduled is an activity; without an ID it gets that of the event, as the SDK does it.
func (s *story) scheduled(id, name string) { s.scheduledWith(id, name, nil) }

func (s *story) scheduledWith(id, name string, input *commonpb.Payloads) {
	if id == "" {
		id = itoa(len(s.events) + 1)
	}
	s.add(enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
			ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{
				ActivityId: id, ActivityType: &commonpb.ActivityType{Name: name}, Input: input,
			},
		},
	})
}

func (s *story) completed(scheduled int64, result *commonpb.Payloads) {
	s.add(enumspb.EVENT_TYPE_ACTIVITY_TASK_STARTED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_ActivityTaskStartedEventAttributes{
			ActivityTaskStartedEventAttributes: &historypb.ActivityTaskStartedEventAttributes{ScheduledEventId: scheduled},
		},
	})
	s.add(enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{
			ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{
				ScheduledEventId: scheduled, StartedEventId: int64(len(s.events)), Result: result,
			},
		},
	})
}

func (s *story) timer() {
	s.add(enumspb.EVENT_TYPE_TIMER_STARTED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_TimerStartedEventAttributes{
			TimerStartedEventAttributes: &historypb.TimerStartedEventAttributes{
				TimerId: itoa(len(s.events) + 1), StartToFireTimeout: durationpb.New(linkLife + time.Minute),
			},
		},
	})
}

func (s *story) failed() {
	s.add(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowExecutionFailedEventAttributes{
			WorkflowExecutionFailedEventAttributes: &historypb.WorkflowExecutionFailedEventAttributes{Failure: &failurepb.Failure{}},
		},
	})
}

func (s *story) signaled(input *commonpb.Payloads) {
	s.add(enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, &historypb.HistoryEvent{
		Attributes: &historypb.HistoryEvent_WorkflowExecutionSignaledEventAttributes{
			WorkflowExecutionSignaledEventAttributes: &historypb.WorkflowExecutionSignaledEventAttributes{
				SignalName: flow.RequestSignal, Input: input,
			},
		},
	})
}
