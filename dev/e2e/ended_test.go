package e2e

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// operatorOf is an attacker with access to the namespace, and the workflow ID of a person.
func operatorOf(t *testing.T, s *stack.Stack, who account.Account) stranger {
	t.Helper()
	c, err := client.Dial(s.TemporalOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return stranger{c, workflowID(t, s, who.Address)}
}

func (s stranger) terminate(t *testing.T) {
	t.Helper()
	if err := s.TerminateWorkflow(t.Context(), s.id, "", "a test"); err != nil {
		t.Fatal(err)
	}
}

// current is the newest run of the workflow.
func (s stranger) current(t *testing.T) string {
	t.Helper()
	run, err := s.DescribeWorkflowExecution(t.Context(), s.id, "")
	if err != nil {
		t.Fatal(err)
	}
	return run.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}

// resetToLast is a workflow reset of the newest run to its last workflow task but some.
func (s stranger) resetToLast(t *testing.T, but int) {
	t.Helper()
	run := s.current(t)
	var tasks []int64
	events := s.GetWorkflowHistory(t.Context(), s.id, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			tasks = append(tasks, e.GetEventId())
		}
	}
	s.resetTo(t, run, tasks[len(tasks)-1-but])
}

// resetTo is a workflow reset to the end of a workflow task.
func (s stranger) resetTo(t *testing.T, run string, task int64) {
	t.Helper()
	_, err := s.WorkflowService().ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{
		Namespace: client.DefaultNamespace, Reason: "a test", RequestId: "reset-" + run,
		WorkflowExecution:         &commonpb.WorkflowExecution{WorkflowId: s.id, RunId: run},
		WorkflowTaskFinishEventId: task,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// refuseNotices is a mail server that takes no notice for now.
func refuseNotices(s *stack.Stack, takes *atomic.Bool) {
	s.Mail.Fail(func(m inbox.Message) error {
		if takes.Load() || strings.Contains(m.Text, "/account/change-password/") {
			return nil
		}
		return inbox.Reply(550, "not now")
	})
}

// security 18: a run is terminated after it changed the password and before its notice. The
// link's holder hears that it was changed. A worker finds the owed notice in the store and
// sends it once.
func TestTerminatedAfterTheChange(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := start(t, func(c *stack.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	var takes atomic.Bool
	refuseNotices(s, &takes)
	who := newPerson(t, s, func(a *account.Account) { a.Notify = []string{"backup-" + a.Address} })
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	operatorOf(t, s, who).terminate(t)
	if err := s.StopWorker(); err != nil { // and with it the attempt that was in progress
		t.Fatal(err)
	}
	takes.Store(true)
	ahead.Store(int64(10 * time.Minute))
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Errorf("the same password again: %+v", a)
	}
	if a := reset(t, s, token, otherPassword); a.Code != "link_used" {
		t.Errorf("another password: %+v", a)
	}
	if a := get(t, s, "/account/reset_password/"+token); a.State != "changed" {
		t.Errorf("state: %+v", a)
	}
	mailed(t, s, who.Address, 2)
	mailed(t, s, who.Notify[0], 1)
	finished(t, s, who)
	if n := mailCount(t, s, who.Address); n != 2 {
		t.Errorf("%d mails, want the link and one notice", n)
	}
}

// mailCount is how many mails an address has had.
func mailCount(t *testing.T, s *stack.Stack, address string) int {
	t.Helper()
	mails, err := s.Mail.Wait(t.Context(), address, 0)
	if err != nil {
		t.Fatal(err)
	}
	return len(mails)
}

// finished waits for the end of the run that finishes the newest run.
func finished(t *testing.T, s *stack.Stack, who account.Account) {
	t.Helper()
	o := operatorOf(t, s, who)
	if err := o.GetWorkflow(t.Context(), flow.FinishID(o.current(t)), "").Get(t.Context(), nil); err != nil {
		t.Errorf("what follows the run: %v", err)
	}
}

// A run is terminated with a submission that was not applied. Without a worker no page answers
// about the password. Then it was not changed, and never will be.
func TestTerminatedBeforeTheChange(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, toCancel := tokens(t, s, who.Address, 1)
	if err := s.StopWorker(); err != nil {
		t.Fatal(err)
	}
	submit(t, s, token)
	operatorOf(t, s, who).terminate(t)
	if a := get(t, s, "/account/reset_password/"+token); a.code != 503 || a.Code != "unavailable" {
		t.Errorf("without a worker: %+v", a)
	}
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	process.Eventually(t, patience, "the answer of the store", func() bool {
		return get(t, s, "/account/reset_password/"+token).code != 503
	})
	for what, a := range map[string]answer{
		"state": get(t, s, "/account/reset_password/"+token), "submission": reset(t, s, token, newPassword),
	} {
		if a.Code != "link_ended" {
			t.Errorf("%s: %+v", what, a)
		}
	}
	if a := post(t, s, "/account/cancel_reset/"+toCancel, struct{}{}); a.code != 200 {
		t.Errorf("cancel of what has ended: %+v", a)
	}
	if code := signIn(t, s, who.Address, newPassword); code == 200 {
		t.Error("the password was changed")
	}
	forgot(t, s, who.Address)
	second, _ := tokens(t, s, who.Address, 2)
	if a := reset(t, s, second, newPassword); a.code != 200 {
		t.Errorf("the next reset: %+v", a)
	}
}

// endsAfter waits for the end of the run that follows a run.
func (s stranger) endsAfter(t *testing.T, before string) {
	t.Helper()
	process.Eventually(t, patience, "the end of the run", func() bool {
		run, err := s.DescribeWorkflowExecution(t.Context(), s.id, "")
		info := run.GetWorkflowExecutionInfo()
		return err == nil && info.GetCloseTime() != nil && info.GetExecution().GetRunId() != before
	})
}

// security 27: workflow resets of a run that has sent its notice mail nothing again.
func TestWorkflowResetsMailOneNotice(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	forgot(t, shared, who.Address)
	token, _ := tokens(t, shared, who.Address, 1)
	if a := reset(t, shared, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	mailed(t, shared, who.Address, 2)
	waitFor(t, shared, who, statemachine.StateCompleted)
	o := operatorOf(t, shared, who)
	for range 8 {
		before := o.current(t)
		o.resetToLast(t, 1)
		o.endsAfter(t, before)
	}
	if n := mailCount(t, shared, who.Address); n != 2 {
		t.Errorf("%d mails, want the link and one notice", n)
	}
	if a := reset(t, shared, token, newPassword); a.code != 200 {
		t.Errorf("the same password again: %+v", a)
	}
}

// A workflow is reset while a link waits. That link says that the reset was started again. Its
// "this wasn't me" calls off the run that goes on.
func TestLinkOfARunThatGoesOn(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	forgot(t, shared, who.Address)
	token, toCancel := tokens(t, shared, who.Address, 1)
	waitForTimer(t, shared, who.Address)
	o := operatorOf(t, shared, who)
	o.resetToLast(t, 1)
	second, _ := tokens(t, shared, who.Address, 2)
	if a := reset(t, shared, token, newPassword); a.Code != "link_restarted" {
		t.Errorf("a link from before: %+v", a)
	}
	if a := post(t, shared, "/account/cancel_reset/"+toCancel, struct{}{}); a.code != 200 {
		t.Errorf("cancel: %+v", a)
	}
	if a := reset(t, shared, second, newPassword); a.Code != "link_canceled" {
		t.Errorf("the link of the run that went on: %+v", a)
	}
}
