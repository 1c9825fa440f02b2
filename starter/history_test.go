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

// security 27: the sealed outcome of another run, copied into the answer of this one, is refused.
// So it is as an answer to the update, as the result of a run, and handed on to the next run. A
// run after a workflow reset names its original. Outcomes of 0.2.0 name none.
func TestOutcomeOfAnotherRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		names, original string
		want            error
	}{
		"the run":                       {linkRun, linkRun, ErrLinkCanceled},
		"the run before a reset":        {"first", "first", ErrLinkCanceled},
		"no run":                        {"", linkRun, ErrLinkCanceled},
		"another run":                   {"another", linkRun, ErrUnavailable},
		"another run than before reset": {"another", "first", ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := flow.Outcome{State: statemachine.StateCanceled, Run: tc.names}
			for where, answers := range map[string]func(*scripted) *historypb.HistoryEvent{
				"update":   func(s *scripted) *historypb.HistoryEvent { s.outcome = &out; return nil },
				"result":   func(s *scripted) *historypb.HistoryEvent { return s.result(t, out) },
				"hands on": func(s *scripted) *historypb.HistoryEvent { return s.handsOn(t, out) },
			} {
				s := newScripted(t)
				s.run = aRun(enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED, statemachine.StateCanceled)
				if where != "update" {
					s.run.WorkflowExecutionInfo.CloseTime = timestamppb.Now()
				}
				s.last, s.history = answers(s), []*historypb.HistoryEvent{begun(tc.original)}
				if _, err := s.Inspect(t.Context(), s.token(t, link.Reset, soon())); !errors.Is(err, tc.want) {
					t.Errorf("%s: %v, want %v", where, err, tc.want)
				}
			}
		})
	}
}

// begun is the first event of a run, by its ID before any reset.
func begun(original string) *historypb.HistoryEvent {
	return &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
			WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{OriginalExecutionRunId: original},
		},
	}
}

// handsOn is the last event of a run that another continues.
func (s *scripted) handsOn(t *testing.T, out flow.Outcome) *historypb.HistoryEvent {
	t.Helper()
	input, err := s.data.ToPayloads(flow.Request{Previous: &out})
	if err != nil {
		t.Fatal(err)
	}
	return &historypb.HistoryEvent{
		EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
		Attributes: &historypb.HistoryEvent_WorkflowExecutionContinuedAsNewEventAttributes{
			WorkflowExecutionContinuedAsNewEventAttributes: &historypb.WorkflowExecutionContinuedAsNewEventAttributes{Input: input},
		},
	}
}
