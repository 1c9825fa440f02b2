package starter

import (
	"context"
	"sync"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	updatepb "go.temporal.io/api/update/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/statemachine"
)

// scripted is a client of a Temporal that has one run, and gives fixed answers.
type scripted struct {
	*filter
	run     *workflowservice.DescribeWorkflowExecutionResponse // nil for none
	history []*historypb.HistoryEvent                          // nil for a Temporal that is away
	last    *historypb.HistoryEvent                            // of the history, nil for that of history
	outcome *flow.Outcome                                      // nil while no worker decides; of a run without a close time
	takes   error                                              // of signals and completions
	follows []*historypb.HistoryEvent                          // of its FinishReset, nil for none

	mu    sync.Mutex
	calls []string
}

func newScripted(t *testing.T) *scripted {
	t.Helper()
	s := &scripted{filter: newFilter(t), run: waitingRun()}
	s.cfg.Hashing = password.Params{Memory: 64, Time: 1, Threads: 1}
	codec, err := s.cfg.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	options := codec.ClientOptions(client.Options{})
	s.data = options.DataConverter
	s.call(t, options, s.serve)
	return s
}

func (s *scripted) serve(_ context.Context, _ string, req, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := reply.(type) {
	case *workflowservice.GetSystemInfoResponse:
		return nil
	case *workflowservice.DescribeWorkflowExecutionResponse:
		if s.run == nil {
			return status.Error(codes.NotFound, "no such run")
		}
		proto.Merge(r, s.run)
		return nil
	case *workflowservice.GetWorkflowExecutionHistoryResponse:
		asked, _ := req.(*workflowservice.GetWorkflowExecutionHistoryRequest)
		if asked.GetExecution().GetWorkflowId() == flow.FinishID(linkRun) {
			if s.follows == nil {
				return errNoRun
			}
			r.History = &historypb.History{Events: s.follows}
			return nil
		}
		if s.history == nil {
			return errDenied
		}
		r.History = &historypb.History{Events: s.history}
		if s.last != nil && asked.GetHistoryEventFilterType() == enumspb.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT {
			r.History.Events = []*historypb.HistoryEvent{s.last}
		}
		return nil
	case *workflowservice.UpdateWorkflowExecutionResponse:
		if asked, ok := req.(*workflowservice.UpdateWorkflowExecutionRequest); ok && s.run.GetWorkflowExecutionInfo().GetCloseTime() != nil &&
			asked.GetWorkflowExecution().GetWorkflowId() != flow.FinishID(linkRun) {
			return errNoRun
		}
		return s.decide(r)
	case *workflowservice.StartWorkflowExecutionResponse:
		s.calls = append(s.calls, "start")
	case *workflowservice.SignalWithStartWorkflowExecutionResponse:
		s.calls = append(s.calls, "signal with start")
	case *workflowservice.RespondActivityTaskCompletedByIdResponse:
		s.calls = append(s.calls, "complete")
	}
	return s.takes
}

func (s *scripted) decide(r *workflowservice.UpdateWorkflowExecutionResponse) error {
	if s.outcome == nil {
		return status.Error(codes.DeadlineExceeded, "no worker")
	}
	result, err := s.data.ToPayloads(*s.outcome)
	r.Stage = enumspb.UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED
	r.Outcome = &updatepb.Outcome{Value: &updatepb.Outcome_Success{Success: result}}
	return err
}

// took is a history whose wait was completed with a submission.
func (s *scripted) took(t *testing.T, submission flow.Submission) []*historypb.HistoryEvent {
	t.Helper()
	result, err := s.data.ToPayloads(submission)
	if err != nil {
		t.Fatal(err)
	}
	return []*historypb.HistoryEvent{armed(5), completed(5, result)}
}

func armed(event int64) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{EventId: event, EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
		ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{
			ActivityType: &commonpb.ActivityType{Name: flow.AwaitTokenSubmission},
		},
	}}
}

func completed(event int64, with *commonpb.Payloads) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, Attributes: &historypb.HistoryEvent_ActivityTaskCompletedEventAttributes{
		ActivityTaskCompletedEventAttributes: &historypb.ActivityTaskCompletedEventAttributes{ScheduledEventId: event, Result: with},
	}}
}

// aRun is a run with a status, a search attribute, and its pending activities.
func aRun(s enumspb.WorkflowExecutionStatus, state statemachine.State, pending ...*workflowpb.PendingActivityInfo) *workflowservice.DescribeWorkflowExecutionResponse {
	value, err := converter.GetDefaultDataConverter().ToPayload(state)
	if err != nil {
		panic(err)
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
			Status: s, HistoryLength: 20, Execution: &commonpb.WorkflowExecution{RunId: linkRun}, StartTime: timestamppb.Now(),
			SearchAttributes: &commonpb.SearchAttributes{IndexedFields: map[string]*commonpb.Payload{flow.StateAttribute.GetName(): value}},
		},
		PendingActivities: pending,
	}
}

const running, paused = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED

// waitingRun is open and waits for its link to be used.
func waitingRun() *workflowservice.DescribeWorkflowExecutionResponse {
	return aRun(running, statemachine.StateRequested, openWait())
}

func soon() time.Time { return time.Now().Add(time.Minute) }
