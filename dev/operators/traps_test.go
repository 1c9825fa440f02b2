package operators

import (
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
)

// resetTo is an operator's `temporal workflow reset`: the run begins again after its n-th
// workflow task.
func (r *room) resetTo(t *testing.T, f found, n int) {
	t.Helper()
	c := r.Dial(t)
	events := c.GetWorkflowHistory(t.Context(), f.ID, f.Run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.GetEventType() != enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			continue
		}
		if n--; n > 0 {
			continue
		}
		_, err = c.WorkflowService().ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
			Namespace: client.DefaultNamespace, Reason: "a test", RequestId: "reset-" + f.Run,
			WorkflowExecution:         &commonpb.WorkflowExecution{WorkflowId: f.ID, RunId: f.Run},
			WorkflowTaskFinishEventId: e.GetEventId(),
		})
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatal("the run has no such workflow task")
}

// Temporal's Reset gives a run another ID. Its mailed links are dead, and it repeats none of
// its work.
func TestResetInTemporal(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	erin, frank := r.People[0], r.People[1]
	worker := r.Worker(t)
	r.Starter(t)
	for _, who := range []account.Account{erin, frank} {
		r.open(t, who)
	}
	r.resetTo(t, r.find(t, erin.Address)[0], 1)
	old := r.Token(t, erin, 1)
	process.Eventually(t, patience, "the link from before the reset is dead", func() bool {
		return r.Reset(t, old, newPassword).Code == "link_restarted" // and not "unavailable", as on a busy machine
	})
	r.insist(t, erin, 2)

	r.insist(t, frank, 1)
	done := r.findUntil(t, frank.Address, "the run ends", inState("completed"))
	r.resetTo(t, done, 3) // the task that begins the change
	r.findUntil(t, frank.Address, "the run ends again", func(f found) bool { return f.Run != done.Run && f.State == "completed" })
	stop(t, worker)
	issued, changed := line{Event: account.EventMailIssued}, line{Event: account.EventPasswordChanged}
	r.audited(t, erin, issued, issued, changed)
	r.audited(t, frank, issued, changed)
}

// Temporal's Terminate runs nothing of the reset any more. The notice of its change goes out
// all the same, in another run.
func TestTerminateInTemporal(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	erin := r.People[0]
	worker := r.Worker(t)
	r.Starter(t)
	r.open(t, erin)
	r.Mail.Fail(func(inbox.Message) error { return inbox.Reply(451, "try again") })
	r.Insist(t, r.Token(t, erin, 1), newPassword)
	tells := r.findUntil(t, erin.Address, "the owner is being told", inState("password_changed"))
	if err := r.Dial(t).TerminateWorkflow(t.Context(), tells.ID, tells.Run, "a test"); err != nil {
		t.Fatal(err)
	}
	r.Mail.Fail(nil)
	r.findUntil(t, erin.Address, "the run ends", inState("terminated"))
	if a := r.Reset(t, r.Token(t, erin, 1), newPassword); a.HTTP != 200 {
		t.Errorf("the link that was used: %+v", a)
	}
	if mails := r.Mails(t, erin, 2); len(mails) != 2 {
		t.Errorf("%d mails, want the link and the notice", len(mails))
	}
	stop(t, worker)
	r.audited(t, erin, line{Event: account.EventMailIssued}, line{Event: account.EventPasswordChanged})
}
