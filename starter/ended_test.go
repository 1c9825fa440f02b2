package starter

import (
	"errors"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// What the store said of a run that ended from outside is final: whoever asks again starts
// nothing. What ended in any other way is begun again.
func TestTheStoreIsAskedOnce(t *testing.T) {
	t.Parallel()
	ended := workflow.Outcome{State: statemachine.StateCanceled, Ended: true}
	for name, tc := range map[string]struct {
		follows func(*testing.T, *scripted) []*historypb.HistoryEvent
		starts  int
	}{
		"nothing follows yet": {func(*testing.T, *scripted) []*historypb.HistoryEvent { return nil }, 1},
		"it is open":          {func(*testing.T, *scripted) []*historypb.HistoryEvent { return []*historypb.HistoryEvent{} }, 1},
		"it was terminated": {func(*testing.T, *scripted) []*historypb.HistoryEvent {
			return []*historypb.HistoryEvent{{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED}}
		}, 1},
		"it is not ours": {func(*testing.T, *scripted) []*historypb.HistoryEvent {
			return []*historypb.HistoryEvent{{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED}}
		}, 1},
		"it has said": {func(t *testing.T, s *scripted) []*historypb.HistoryEvent {
			t.Helper()
			return []*historypb.HistoryEvent{s.result(t, ended)}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t)
			s.run = aRun(enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, statemachine.StateRequested)
			s.run.WorkflowExecutionInfo.CloseTime = timestamppb.Now()
			s.history = []*historypb.HistoryEvent{{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED}}
			s.outcome, s.follows = &ended, tc.follows(t, s)
			if err := s.Submit(t.Context(), s.token(t, link.Reset, soon()), goodPassword); !errors.Is(err, ErrLinkEnded) {
				t.Errorf("%v, want %v", err, ErrLinkEnded)
			}
			if len(s.calls) != tc.starts {
				t.Errorf("calls %v, want %d", s.calls, tc.starts)
			}
		})
	}
}

// result is the last event of a workflow that ended with an outcome.
func (s *scripted) result(t *testing.T, out workflow.Outcome) *historypb.HistoryEvent {
	t.Helper()
	result, err := s.data.ToPayloads(out)
	if err != nil {
		t.Fatal(err)
	}
	return &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionCompletedEventAttributes{
			WorkflowExecutionCompletedEventAttributes: &historypb.WorkflowExecutionCompletedEventAttributes{Result: result},
		},
	}
}
