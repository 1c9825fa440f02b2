package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/worker"
)

// security 25: an operator who resets a run in Temporal makes it mail a link again. Each is a
// mail of its own, and counts as a requested one does.
func TestMailsOfARunThatIsResetCount(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	forgot(t, shared, who.Address)
	for n := range worker.DefaultMailLimit {
		mailed(t, shared, who.Address, n+1)
		waitForTimer(t, shared, who.Address)
		resetToFirstTask(t, shared, who, n)
	}
	waitForTimer(t, shared, who.Address)
	want := slices.Repeat([]account.Event{account.EventMailIssued}, worker.DefaultMailLimit)
	if got := auditOf(t, shared, who); !slices.Equal(got, append(want, account.EventMailWithheld)) {
		t.Errorf("audit log: %v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mails, err := shared.Mail.Wait(ctx, who.Address, worker.DefaultMailLimit)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, m := range mails {
		ids[m.MessageID] = true
	}
	if len(mails) != worker.DefaultMailLimit || len(ids) != worker.DefaultMailLimit {
		t.Errorf("%d mails with %d Message-IDs, want %d", len(mails), len(ids), worker.DefaultMailLimit)
	}
}

// resetToFirstTask has the newest run of a person begin again.
func resetToFirstTask(t *testing.T, s *stack.Stack, who account.Account, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, id, first := temporalClient(t, s), workflowID(t, s, who.Address), int64(0)
	history := c.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for first == 0 && history.HasNext() {
		event, err := history.Next()
		if err != nil {
			t.Fatal(err)
		}
		if event.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			first = event.GetEventId()
		}
	}
	_, err := c.WorkflowService().ResetWorkflowExecution(ctx, &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: s.TemporalOptions().Namespace, Reason: "a test", RequestId: fmt.Sprintf("reset-%s-%d", who.ID, n),
		WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: id}, WorkflowTaskFinishEventId: first,
	})
	if err != nil {
		t.Fatal(err)
	}
}
