package e2e

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

// stranger may talk to Temporal and has none of rekey's keys.
type stranger struct {
	client.Client
	id string // workflow ID of the run that it is after
}

func newStranger(t *testing.T, who account.Account) stranger {
	t.Helper()
	c, err := client.Dial(shared.TemporalOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return stranger{c, workflowID(t, shared, who.Address)}
}

// complete completes the wait for a submission.
func (s stranger) complete(with any, failure error) func(context.Context) error {
	return func(ctx context.Context) error {
		return s.CompleteActivityByID(ctx, client.DefaultNamespace, s.id, "", flow.AwaitTokenSubmission, with, failure)
	}
}

func (s stranger) signal(name string, times int, with any) func(context.Context) error {
	return func(ctx context.Context) error {
		for range times {
			if err := s.SignalWorkflow(ctx, s.id, "", name, with); err != nil {
				return err
			}
		}
		return nil
	}
}

func (s stranger) update(name string, with ...any) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			WorkflowID: s.id, UpdateName: name, Args: with, WaitForStage: client.WorkflowUpdateStageAccepted,
		})
		return err
	}
}

func (s stranger) start(conflict enumspb.WorkflowIdConflictPolicy, with any) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: s.id, TaskQueue: flow.TaskQueue, WorkflowIDConflictPolicy: conflict, WorkflowExecutionErrorWhenAlreadyStarted: true,
		}, workflow.ResetPassword.Name, with)
		return err
	}
}

// sealedLookalike claims to be sealed and is not.
func sealedLookalike() *commonpb.Payload {
	return &commonpb.Payload{
		Metadata: map[string][]byte{"encoding": []byte("binary/rekey-v1")}, Data: []byte(strings.Repeat("rubbish", 20)),
	}
}

// security 27: a client of Temporal without the keys does all that it can to an open run. No
// account changes, the run goes on, and the mailed link works afterwards.
func TestStrangerAtAnOpenRun(t *testing.T) {
	t.Parallel()
	hash := cheap.Hash("the password of a stranger", make([]byte, 16))
	plain := flow.Submission{ID: "stranger", LinkRun: "x", Sealed: []byte(hash)}
	for name, act := range map[string]func(stranger) func(context.Context) error{
		"completes with plain JSON":  func(s stranger) func(context.Context) error { return s.complete(plain, nil) },
		"completes with a hash":      func(s stranger) func(context.Context) error { return s.complete(hash, nil) },
		"completes with a lookalike": func(s stranger) func(context.Context) error { return s.complete(sealedLookalike(), nil) },
		"completes with nothing":     func(s stranger) func(context.Context) error { return s.complete(nil, nil) },
		"completes with a megabyte":  func(s stranger) func(context.Context) error { return s.complete(strings.Repeat("x", 1<<20), nil) },
		"fails the wait":             func(s stranger) func(context.Context) error { return s.complete(nil, errors.New("failed")) },
		"fails the wait for good": func(s stranger) func(context.Context) error {
			return s.complete(nil, temporal.NewNonRetryableApplicationError("no", "stranger", nil))
		},
		"signals requests of rubbish": func(s stranger) func(context.Context) error {
			return s.signal(flow.RequestSignal, 20, sealedLookalike())
		},
		"signals requests of JSON": func(s stranger) func(context.Context) error { return s.signal(flow.RequestSignal, 20, plain) },
		"signals that it was not them": func(s stranger) func(context.Context) error {
			return s.signal(flow.DisownSignal, 20, sealedLookalike())
		},
		"signals what nobody knows": func(s stranger) func(context.Context) error { return s.signal("password", 200, hash) },
		"updates what nobody knows": func(s stranger) func(context.Context) error { return s.update("password", hash) },
		"updates the outcome":       func(s stranger) func(context.Context) error { return s.update(flow.OutcomeUpdate, hash, plain) },
		"queries":                   func(s stranger) func(context.Context) error { return s.mustFail(s.query) },
		"starts it again": func(s stranger) func(context.Context) error {
			return s.mustFail(s.start(enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, plain))
		},
		"heartbeats for the wait":       func(s stranger) func(context.Context) error { return s.heartbeat },
		"cancels the wait, as a worker": func(s stranger) func(context.Context) error { return s.mustFail(s.complete(nil, context.Canceled)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, shared, nil)
			forgot(t, shared, who.Address)
			token, _ := tokens(t, shared, who.Address, 1)
			waitForTimer(t, shared, who.Address)
			s := newStranger(t, who)
			if err := act(s)(t.Context()); err != nil {
				t.Fatalf("the stranger's call: %v", err)
			}
			linkWorks(t, who, token)
		})
	}
}

func (s stranger) query(ctx context.Context) error {
	_, err := s.QueryWorkflow(ctx, s.id, "", "outcome")
	return err
}

func (s stranger) heartbeat(ctx context.Context) error {
	return s.RecordActivityHeartbeatByID(ctx, client.DefaultNamespace, s.id, "", flow.AwaitTokenSubmission, "hash")
}

// mustFail turns a refusal around: an accepted call is an error.
func (s stranger) mustFail(act func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := act(ctx); err == nil {
			return errors.New("it was not refused")
		}
		return nil
	}
}

// linkWorks checks that the account is as it was, and then that its link works.
func linkWorks(t *testing.T, who account.Account, token string) {
	t.Helper()
	now, err := shared.Store.Account(t.Context(), who.ID)
	if err != nil || now.Credential != who.Credential {
		t.Errorf("the account has changed (%v)", err)
	}
	a := answer{}
	// A wait that an attacker has used is armed again in a moment.
	for late := time.Now().Add(patience); time.Now().Before(late); {
		if a = reset(t, shared, token, newPassword); a.code != 202 && a.code != 503 {
			break
		}
	}
	if a.code != 200 {
		t.Errorf("the link: %+v", a)
	}
	if code := signIn(t, shared, who.Address, newPassword); code != 200 {
		t.Errorf("sign-in: %d", code)
	}
}

// security 27: a run that an attacker started under an account's ID blocks no owner.
func TestStrangerStartsFirst(t *testing.T) {
	t.Parallel()
	for name, with := range map[string]any{
		"plain":     flow.Request{Address: "x@example.com", AccountKey: "x", LinkLife: time.Hour},
		"lookalike": sealedLookalike(),
		"nothing":   nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, shared, nil)
			s := newStranger(t, who)
			if err := s.start(enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, with)(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := s.GetWorkflow(ctx, s.id, "").Get(ctx, nil); err == nil || ctx.Err() != nil {
				t.Fatalf("the stranger's run ended with %v", err)
			}
			forgot(t, shared, who.Address)
			token, _ := tokens(t, shared, who.Address, 1)
			linkWorks(t, who, token)
		})
	}
}

// A person with Temporal's permission to end runs can end them. The owner requests another
// link.
func TestStrangerEndsTheRun(t *testing.T) {
	t.Parallel()
	code := map[string]string{"terminates": "link_ended", "cancels": "link_canceled", "takes its place": "link_ended"}
	for name, end := range map[string]func(stranger, context.Context) error{
		"terminates": func(s stranger, ctx context.Context) error { return s.TerminateWorkflow(ctx, s.id, "", "") },
		"cancels":    func(s stranger, ctx context.Context) error { return s.CancelWorkflow(ctx, s.id, "") },
		"takes its place": func(s stranger, ctx context.Context) error {
			return s.start(enumspb.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING, "x")(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, shared, nil)
			forgot(t, shared, who.Address)
			first, _ := tokens(t, shared, who.Address, 1)
			waitForTimer(t, shared, who.Address)
			s := newStranger(t, who)
			if err := end(s, t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_ = s.GetWorkflow(ctx, s.id, "").Get(ctx, nil) // in the default encoding it cannot be read
			if a := reset(t, shared, first, newPassword); a.Code != code[name] {
				t.Errorf("the link of the run that is gone: %+v", a)
			}
			forgot(t, shared, who.Address)
			second, _ := tokens(t, shared, who.Address, 2)
			linkWorks(t, who, second)
		})
	}
}
