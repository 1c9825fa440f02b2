package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// A request that comes between the acceptance of a submission and its application is a late
// one. The password is changed, and then another run mails another link.
func TestRequestBehindASubmissionIsAnsweredByAnotherRun(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.CoolDown = time.Nanosecond })
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	waitForTimer(t, s, who.Address)
	if err := s.StopWorker(); err != nil {
		t.Fatal(err)
	}
	submit(t, s, token)
	forgot(t, s, who.Address)
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, _ := tokens(t, s, who.Address, 3) // link, notice, link
	if code := signIn(t, s, who.Address, newPassword); code != 200 {
		t.Errorf("sign-in with the password of the first run: %d", code)
	}
	if a := reset(t, s, second, otherPassword); a.code != 200 {
		t.Errorf("the second link: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
}

// A caller that waits for the outcome when a run closes is answered, whether the run completes
// or continues as another.
func TestOutcomeIsAnsweredAtTheClose(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"completes": false, "continues": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(c *stack.Config) { c.CoolDown = time.Nanosecond })
			who := newPerson(t, s, nil)
			forgot(t, s, who.Address)
			token, _ := tokens(t, s, who.Address, 1)
			waitForTimer(t, s, who.Address)
			c := temporalClient(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			waiting, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
				WorkflowID: workflowID(t, s, who.Address), UpdateName: flow.OutcomeUpdate, UpdateID: "somebody's",
				WaitForStage: client.WorkflowUpdateStageAccepted,
			})
			if err != nil {
				t.Fatal(err)
			}

			// A refusal settles the question and ends the run in one workflow task.
			who.Disabled = true
			if err := s.Store.Put(t.Context(), who); err != nil {
				t.Fatal(err)
			}
			if late {
				submitThenAsk(t, s, who.Address, token)
			} else if a := reset(t, s, token, newPassword); a.Code != "change_refused" {
				t.Errorf("reset of a disabled account: %+v", a)
			}
			var out flow.Outcome
			if err := waiting.Get(ctx, &out); err != nil || out.State != statemachine.StateRefused {
				t.Errorf("the outcome is %+v (%v), want %s", out, err, statemachine.StateRefused)
			}
			if got := continuedRun(t, s, who.Address); got != late {
				t.Errorf("the run continued as another: %v", got)
			}
		})
	}
}

// submitThenAsk leaves a submission and a late request to the next worker.
func submitThenAsk(t *testing.T, s *stack.Stack, address, token string) {
	t.Helper()
	if err := s.StopWorker(); err != nil {
		t.Fatal(err)
	}
	submit(t, s, token)
	forgot(t, s, address)
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// continuedRun says whether the newest run of an address continues another.
func continuedRun(t *testing.T, s *stack.Stack, address string) bool {
	t.Helper()
	history := temporalClient(t, s).GetWorkflowHistory(t.Context(), workflowID(t, s, address), "", false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	first, err := history.Next()
	if err != nil {
		t.Fatal(err)
	}
	return first.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId() != ""
}

// A request is not lost at the moment in which a run closes, when its worker has decided and
// Temporal does not know yet. Temporal takes no end of a run that has not read it.
func TestRequestAtTheCloseIsNotLost(t *testing.T) {
	t.Parallel()
	closing := &atClose{}
	s := start(t, func(c *stack.Config) {
		c.CoolDown = time.Nanosecond
		c.Client.ConnectionOptions.DialOptions = []grpc.DialOption{grpc.WithChainUnaryInterceptor(closing.intercept)}
	})
	who := newPerson(t, s, nil)
	closing.then = func() {
		if a := postAside(s, "/account/forgot_password", "email", who.Address); a.code != 200 {
			t.Errorf("forgot_password at the close: %+v", a)
		}
	}
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	second, _ := tokens(t, s, who.Address, 3) // link, notice, link
	if !continuedRun(t, s, who.Address) {
		t.Error("the second link is not of a run that continued the first: the request did not come at the close")
	}
	if a := reset(t, s, second, otherPassword); a.code != 200 {
		t.Errorf("the second link: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
}

// atClose does something when a worker is about to say for the first time that a run
// completes.
type atClose struct {
	once sync.Once
	then func()
}

func (a *atClose) intercept(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, o ...grpc.CallOption) error {
	if done, ok := req.(*workflowservice.RespondWorkflowTaskCompletedRequest); ok {
		for _, c := range done.GetCommands() {
			if c.GetCommandType() == enumspb.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION {
				a.once.Do(a.then)
			}
		}
	}
	return call(ctx, method, req, reply, cc, o...)
}
