package starter

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
)

// handingIn is a client of a Temporal with an open run that has these activities. A completion or
// a cancel ends with an error or nil, and after that Temporal is away.
func handingIn(t *testing.T, completes error, pending ...*workflowpb.PendingActivityInfo) *filter {
	t.Helper()
	f := newFilter(t)
	codec, err := f.cfg.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	f.call(t, codec.ClientOptions(client.Options{}), func(_ context.Context, _ string, _, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
		switch r := reply.(type) {
		case *workflowservice.GetSystemInfoResponse:
			return nil
		case *workflowservice.DescribeWorkflowExecutionResponse:
			r.WorkflowExecutionInfo = &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
			r.PendingActivities = pending
			return nil
		case *workflowservice.RespondActivityTaskCompletedByIdResponse, *workflowservice.SignalWorkflowExecutionResponse:
			return completes
		default:
			return errDenied
		}
	})
	return f
}

// openWait is the wait of a run for the use of its links.
func openWait() *workflowpb.PendingActivityInfo {
	return &workflowpb.PendingActivityInfo{ActivityId: "wait", ActivityType: &commonpb.ActivityType{Name: flow.AwaitTokenSubmission}}
}

// A submission that Temporal may have accepted is never answered with "nothing was accepted". An
// owner who chose another password then would find the link used.
func TestTemporalGoesAwayAfterItTookThePassword(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		completes, want error
	}{
		"taken":     {nil, ErrPending},
		"no answer": {status.Error(codes.DeadlineExceeded, "late"), ErrPending},
		"not taken": {errNoRun, ErrUnavailable},
		"refused":   {status.Error(codes.PermissionDenied, "no"), ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := handingIn(t, tc.completes, openWait())
			if err := f.Submit(t.Context(), f.token(t, link.Reset, time.Now().Add(time.Minute)), goodPassword); !errors.Is(err, tc.want) {
				t.Errorf("submission: %v, want %v", err, tc.want)
			}
		})
	}
	f := handingIn(t, nil, openWait())
	if err := f.Cancel(t.Context(), f.token(t, link.Cancel, time.Now().Add(time.Minute))); !errors.Is(err, ErrPending) {
		t.Errorf("cancel: %v, want %v", err, ErrPending)
	}
}

// security 2: a request with little work for Temporal takes as long as one with more.
func TestAnswerTakesItsTime(t *testing.T) {
	t.Parallel()
	f := handingIn(t, nil)
	f.pace.looks.add(10 * time.Millisecond) // the calls of an account's request take 20 together
	f.pace.starts.add(10 * time.Millisecond)
	for range 3 { // how much longer is by chance
		begun := time.Now()
		if err := f.Request(t.Context(), "ada@example.com"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v, want %v", err, ErrUnavailable)
		}
		if took := time.Since(begun); took < 20*time.Millisecond {
			t.Errorf("answered after %v, want 20 ms at least", took)
		}
	}
}

// tallied counts its hashes.
type tallied struct {
	password.Params
	n atomic.Int32
}

// Hash implements password.Hasher.
func (c *tallied) Hash(newPassword string, salt []byte) string {
	c.n.Add(1)
	return c.Params.Hash(newPassword, salt)
}

// security 6: an expired link accepts no submission, also while its run waits. A cancel counts,
// because a stranger may have submitted a password before.
func TestExpiredLinkHandsNothingIn(t *testing.T) {
	t.Parallel()
	ended := time.Now().Add(-2 * clockSkew)
	f := handingIn(t, nil, openWait())
	hasher := &tallied{Params: password.Params{Memory: 64, Time: 1, Threads: 1}}
	f.cfg.Hashing = hasher
	token := f.token(t, link.Reset, ended)
	if err := f.Submit(t.Context(), token, goodPassword); !errors.Is(err, ErrLinkExpired) {
		t.Errorf("submission: %v, want %v", err, ErrLinkExpired)
	}
	if n := hasher.n.Load(); n != 0 {
		t.Errorf("%d hashes", n)
	}
	if got, err := f.Inspect(t.Context(), token); !errors.Is(err, ErrLinkExpired) || got != (Link{}) {
		t.Errorf("what the link can do: %+v, %v", got, err)
	}
	if err := f.Cancel(t.Context(), f.token(t, link.Cancel, ended)); !errors.Is(err, ErrPending) {
		t.Errorf("cancel: %v, want %v", err, ErrPending)
	}
}

// security 15: only a link whose run waits for it is worth a hash.
func TestNoHashForALinkThatIsNotPending(t *testing.T) {
	t.Parallel()
	mailing := &workflowpb.PendingActivityInfo{ActivityId: "5", ActivityType: &commonpb.ActivityType{Name: flow.SendEmail}}
	for name, tc := range map[string]struct {
		pending []*workflowpb.PendingActivityInfo
		want    int32
	}{
		"pending":     {[]*workflowpb.PendingActivityInfo{mailing, openWait()}, 1},
		"not pending": {[]*workflowpb.PendingActivityInfo{mailing}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := handingIn(t, nil, tc.pending...)
			hasher := &tallied{Params: password.Params{Memory: 64, Time: 1, Threads: 1}}
			f.cfg.Hashing = hasher
			if err := f.Submit(t.Context(), f.token(t, link.Reset, time.Now().Add(time.Minute)), goodPassword); err == nil {
				t.Error("Temporal is away, and nobody is told")
			}
			if n := hasher.n.Load(); n != tc.want {
				t.Errorf("%d hashes, want %d", n, tc.want)
			}
		})
	}
}
