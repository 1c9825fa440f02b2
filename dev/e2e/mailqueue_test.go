package e2e

import (
	"path/filepath"
	"syscall"
	"testing"

	activitypb "go.temporal.io/api/activity/v1"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/overlay"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// oneQueue is an overlay for a build that has mails where everything else is, as releases up
// to 0.2 have.
func oneQueue(t *testing.T) string {
	t.Helper()
	list, err := overlay.Write(
		t.TempDir(),
		overlay.Change{Package: "../../flow", In: "mailOptions", Node: "KeyValueExpr(TaskQueue).Value", With: `""`},
		overlay.Change{Package: "../../worker", In: "Config.pollers", Node: "CompositeLit 4", With: "[]worker.Worker{{CompositeLit 4/Ident 3}}"},
	)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A build with a task queue for mails takes over the mails of one without. The way back needs
// a command for each mail that waits, and loses none either.
func TestMailQueueRollsOutAndBack(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := site.New(t)
	older := *s
	older.Path = filepath.Join(s.Dir, "rekey-older")
	site.Build(t, older.Path, "-overlay", oneQueue(t))
	s.Run(t, 0, "setup")
	s.Starter(t)
	r := &rollout{Site: s, temporal: s.Dial(t)}
	forward, back := s.People[0], s.People[1]
	later := func(inbox.Message) error { return inbox.Reply(451, "come again") }

	s.Mail.Fail(later)
	first := older.Worker(t)
	s.Forgot(t, forward)
	r.tried(t, forward.Address, flow.TaskQueue)
	first.Signal(t, syscall.SIGTERM)
	first.Exit(t)
	s.Mail.Fail(nil)
	second := s.Worker(t)
	s.Insist(t, s.Token(t, forward, 1), newPassword)
	s.Mails(t, forward, 2)

	s.Mail.Fail(later)
	s.Forgot(t, back)
	r.tried(t, back.Address, flow.MailQueue)
	second.Signal(t, syscall.SIGTERM)
	second.Exit(t)
	s.Mail.Fail(nil)
	older.Worker(t)
	r.moveMail(t, back.Address)
	s.Insist(t, s.Token(t, back, 1), newPassword)
	s.Mails(t, back, 2)
}

// tried waits until a mail to an address was tried in vain, on a task queue.
func (r *rollout) tried(t *testing.T, address, queue string) {
	t.Helper()
	process.Eventually(t, patience, "an attempt of a mail", func() bool {
		d, err := r.temporal.DescribeWorkflowExecution(t.Context(), r.id(t, account.Account{Address: address}), "")
		if err != nil {
			return false
		}
		for _, a := range d.GetPendingActivities() {
			if a.GetActivityType().GetName() == flow.SendEmail && a.GetAttempt() > 1 {
				if got := a.GetActivityOptions().GetTaskQueue().GetName(); got != queue {
					t.Fatalf("the mail is on the task queue %s, want %s", got, queue)
				}
				return true
			}
		}
		return false
	})
}

// moveMail acts as `temporal activity update-options --task-queue rekey`.
func (r *rollout) moveMail(t *testing.T, address string) {
	t.Helper()
	id := r.id(t, account.Account{Address: address})
	d, err := r.temporal.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range d.GetPendingActivities() {
		if a.GetActivityType().GetName() != flow.SendEmail {
			continue
		}
		_, err := r.temporal.WorkflowService().UpdateActivityOptions(t.Context(), &workflowservice.UpdateActivityOptionsRequest{
			Namespace: client.DefaultNamespace, Execution: d.GetWorkflowExecutionInfo().GetExecution(),
			Activity:        &workflowservice.UpdateActivityOptionsRequest_Id{Id: a.GetActivityId()},
			ActivityOptions: &activitypb.ActivityOptions{TaskQueue: &taskqueuepb.TaskQueue{Name: flow.TaskQueue, Kind: enumspb.TASK_QUEUE_KIND_NORMAL}},
			UpdateMask:      &fieldmaskpb.FieldMask{Paths: []string{"task_queue.name"}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
