package e2e

import (
	"context"
	"slices"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/statemachine"
)

// security 43: a run that an operator resets in Temporal has another run ID. The owner's "this
// wasn't me" in its history names the run before and counts all the same. Otherwise the history
// would not fit the code, and the account could not be reset until an operator terminates its
// run.
func TestCanceledRunIsResetInTemporal(t *testing.T) {
	t.Parallel()
	for name, cancel := range map[string]func(*testing.T, account.Account){
		"by the owner": func(t *testing.T, who account.Account) {
			t.Helper()
			_, token := tokens(t, shared, who.Address, 1)
			if a := post(t, shared, "/account/cancel_reset", map[string]string{"token": token}); a.code != 200 {
				t.Errorf("cancel_reset: %+v", a)
			}
		},
		"by an operator": func(t *testing.T, who account.Account) {
			t.Helper()
			waitForTimer(t, shared, who.Address)
			if err := temporalClient(t, shared).CancelWorkflow(t.Context(), workflowID(t, shared, who.Address), ""); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, shared, nil)
			forgot(t, shared, who.Address)
			cancel(t, who)
			waitFor(t, shared, who, statemachine.StateCanceled)
			resetToLastTask(t, shared, who)
			waitFor(t, shared, who, statemachine.StateCanceled)
			if got, want := auditOf(t, shared, who), []account.Event{account.EventMailIssued, account.EventResetCanceled}; !slices.Equal(got, want) {
				t.Errorf("audit log: %v, want %v", got, want)
			}
		})
	}
}

// resetToLastTask is an operator's `temporal workflow reset` by default.
func resetToLastTask(t *testing.T, s *stack.Stack, who account.Account) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, id := temporalClient(t, s), workflowID(t, s, who.Address)
	run, err := c.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		t.Fatal(err)
	}
	old, last := run.GetWorkflowExecutionInfo().GetExecution().GetRunId(), int64(0)
	history := c.GetWorkflowHistory(ctx, id, old, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		if err != nil {
			t.Fatal(err)
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			last = event.GetEventId()
		}
	}
	_, err = c.WorkflowService().ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: s.TemporalOptions().Namespace, Reason: "a test", RequestId: "reset-" + who.ID,
		WorkflowExecution:         &commonpb.WorkflowExecution{WorkflowId: id, RunId: old},
		WorkflowTaskFinishEventId: last,
	})
	if err != nil {
		t.Fatal(err)
	}
}
