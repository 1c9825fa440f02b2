package e2e

import (
	"time"

	activitypb "go.temporal.io/api/activity/v1"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// byOperators are the stories of other actions on a run that Temporal allows.
func byOperators() []story {
	const completed = statemachine.StateCompleted
	return []story{
		one("canceled-by-operator", canceledInTemporal, ends(statemachine.StateCanceled), cancelRequested, not(workers), not(continues)),
		one("reset-while-mailing", resetMailing, ends(completed), wasReset, mailFails, schedules(flow.SendEmail, 3), mails(1), withheld("")),
		one("mail-failed-by-stranger", failedMail, ends(completed), mailFails, not(wasReset), schedules(flow.SendEmail, 3)),
		one("mail-timed-out", timedOutMail, ends(completed), timesOut, schedules(flow.SendEmail, 3)),
		one("paused", pausedRun, ends(completed), pauses),
		one("finish-after-termination", terminated, ends(statemachine.StatePasswordChanged), schedules(flow.SendEmail, 1)),
	}
}

var (
	mailFails = has("an activity that failed", enumspb.EVENT_TYPE_ACTIVITY_TASK_FAILED)
	timesOut  = has("an activity that timed out", enumspb.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT)
	pauses    = has("a pause", enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_PAUSED)
	wasReset  = rule{"a workflow reset", func(r *recordedRun) bool {
		for _, e := range r.GetEvents() {
			if e.GetWorkflowTaskFailedEventAttributes().GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW {
				return true
			}
		}
		return false
	}}
)

func canceledInTemporal(o *owner) {
	o.first()
	o.cancelInTemporal()
}

// pausedRun is paused when its link is out. A paused run is open, and its link says so. A
// password that is submitted meanwhile is set when the run goes on.
func pausedRun(o *owner) {
	token := o.first()
	pause(o.t, o.Stack, o.who, false)
	if a := get(o.t, o.Stack, "/account/reset_password/"+token); a.State != "open" {
		o.t.Errorf("state of an unused link: %+v", a)
	}
	submit(o.t, o.Stack, token)
	if a := get(o.t, o.Stack, "/account/reset_password/"+token); a.State != "pending" {
		o.t.Errorf("state of a used link: %+v", a)
	}
	if a := reset(o.t, o.Stack, token, otherPassword); a.code != 503 {
		o.t.Errorf("another password, which is stored nowhere: %+v", a)
	}
	pause(o.t, o.Stack, o.who, true)
	waitFor(o.t, o.Stack, o.who, statemachine.StateCompleted)
	o.signsIn(newPassword)
}

func (o *owner) signsIn(pw string) {
	o.t.Helper()
	if code := signIn(o.t, o.Stack, o.who.Address, pw); code != 200 {
		o.t.Errorf("sign-in: %d", code)
	}
}

// terminated ends the run between its change and its notice, and records the run that finishes
// it. That run is started, and queried for the outcome, as the starter does.
func terminated(o *owner) {
	token, run := o.first(), o.newest()
	o.refuse(o.who.Address)
	o.submit(token, newPassword, "")
	o.finishes(run)
}

// finishes terminates a run whose notice is refused, and starts the run that sends it.
func (o *owner) finishes(run string) {
	o.t.Helper()
	o.retries(flow.SendEmail)
	o.must(o.temporal.TerminateWorkflow(o.t.Context(), o.id, "", "a story"))
	o.fail(o.who.Address, nil)
	ended := flow.Ending{Workflow: o.id, Run: run}
	o.id = flow.FinishID(ended.Run)
	_, err := o.temporal.ExecuteWorkflow(o.t.Context(), flow.FinishOptions(ended.Run, flow.TaskQueue), flow.FinishName, ended)
	o.must(err)
	_, err = o.temporal.UpdateWorkflow(o.t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: o.id, UpdateName: flow.OutcomeUpdate, UpdateID: flow.OutcomeUpdateID,
		WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	o.must(err)
}

// mailPending requests a link while the mail server defers, and acts on the run whose mail is
// retried. It uses the link that comes when the mail server takes it.
func (o *owner) mailPending(then func()) {
	o.refuse(o.who.Address)
	o.ask()
	o.retries(flow.SendEmail)
	then()
	o.fail(o.who.Address, nil)
	o.submit(o.link(1), newPassword, "")
}

// resetMailing: the reset keeps the task that scheduled the mail, which names the run that was,
// since a request came after it. The run mails its link under the ID that it has now.
func resetMailing(o *owner) {
	o.mailPending(func() { o.ask(); o.heard(); operatorOf(o.t, o.Stack, o.who).resetToLast(o.t, 0) })
}

// failedMail: an attacker claims that the mail has failed for good. The mail server has it and
// has not taken it yet.
func failedMail(o *owner) {
	came, release := o.hold(inbox.Reply(451, "try again later"))
	defer release()
	o.ask()
	o.await(came, "the mail")
	failure := temporal.NewNonRetryableApplicationError("no", "stranger", nil)
	o.must(o.temporal.CompleteActivityByID(o.t.Context(), client.DefaultNamespace, o.id, "", o.activity(flow.SendEmail), nil, failure))
	o.submit(o.link(1), newPassword, "")
}

// timedOutMail: an operator leaves the mail no more time.
func timedOutMail(o *owner) {
	o.mailPending(func() {
		_, err := o.temporal.WorkflowService().UpdateActivityOptions(o.t.Context(), &workflowservice.UpdateActivityOptionsRequest{
			Namespace: client.DefaultNamespace, Execution: &commonpb.WorkflowExecution{WorkflowId: o.id},
			Activity:        &workflowservice.UpdateActivityOptionsRequest_Id{Id: o.activity(flow.SendEmail)},
			ActivityOptions: &activitypb.ActivityOptions{ScheduleToCloseTimeout: durationpb.New(time.Second)},
			UpdateMask:      &fieldmaskpb.FieldMask{Paths: []string{"schedule_to_close_timeout"}},
		})
		o.must(err)
	})
}
