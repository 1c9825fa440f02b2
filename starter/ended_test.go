package starter

import (
	"errors"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/statemachine"
)

// The store's answer about a run that ended from outside is final: a repeated call starts
// nothing. A run that ended in another way is started again.
func TestTheStoreIsAskedOnce(t *testing.T) {
	t.Parallel()
	ended := flow.Outcome{State: statemachine.StateCanceled, Ended: true, Run: linkRun}
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
		"it has said that of another run": {func(t *testing.T, s *scripted) []*historypb.HistoryEvent {
			t.Helper()
			return []*historypb.HistoryEvent{s.result(t, flow.Outcome{State: statemachine.StatePasswordChanged, Run: "another"})}
		}, 1},
		"it has said that of no run": {func(t *testing.T, s *scripted) []*historypb.HistoryEvent {
			t.Helper()
			return []*historypb.HistoryEvent{s.result(t, flow.Outcome{State: statemachine.StatePasswordChanged})}
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
			s.history = []*historypb.HistoryEvent{{EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED}}
			s.run.WorkflowExecutionInfo.CloseTime = timestamppb.Now()
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

// Temporal keeps the answer of a run that was terminated after it changed the password. A call
// then causes the notice: the following run is started, once.
func TestKeptAnswerOfATerminatedRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  enumspb.WorkflowExecutionStatus
		state   statemachine.State
		follows bool
		starts  int
	}{
		"terminated":                     {enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, statemachine.StatePasswordChanged, false, 1},
		"failed":                         {enumspb.WORKFLOW_EXECUTION_STATUS_FAILED, statemachine.StatePasswordChanged, false, 1},
		"terminated, and the store said": {enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, statemachine.StatePasswordChanged, true, 0},
		"terminated, without a change":   {enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, statemachine.StateRefused, false, 0},
		"over":                           {enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, statemachine.StatePasswordChanged, false, 0},
		"open":                           {running, statemachine.StatePasswordChanged, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScripted(t)
			s.run = aRun(tc.status, statemachine.StateRequested)
			s.outcome = &flow.Outcome{State: tc.state, Accepted: "one", Run: linkRun}
			if tc.follows {
				s.follows = []*historypb.HistoryEvent{s.result(t, *s.outcome)}
			}
			if _, err := s.Inspect(t.Context(), s.token(t, link.Reset, soon())); tc.state == statemachine.StatePasswordChanged && err != nil {
				t.Error(err)
			}
			if len(s.calls) != tc.starts {
				t.Errorf("calls %v, want %d", s.calls, tc.starts)
			}
		})
	}
}

// result is the last event of a workflow that ended with an outcome.
func (s *scripted) result(t *testing.T, out flow.Outcome) *historypb.HistoryEvent {
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
