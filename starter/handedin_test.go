package starter

import (
	"context"
	"errors"
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

	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/workflow"
)

// handingIn is a client before a Temporal whose run waits for a submission. Completing the
// wait, or calling the reset off, ends with an error or nil, and after that Temporal is away.
func handingIn(t *testing.T, completes error) *filter {
	t.Helper()
	f := newFilter(t)
	codec, err := f.cfg.Keys.Payload()
	if err != nil {
		t.Fatal(err)
	}
	lazy, err := client.NewLazyClient(codec.ClientOptions(client.Options{ConnectionOptions: client.ConnectionOptions{
		DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(
			func(_ context.Context, _ string, _, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
				switch r := reply.(type) {
				case *workflowservice.GetSystemInfoResponse:
					return nil
				case *workflowservice.DescribeWorkflowExecutionResponse:
					r.WorkflowExecutionInfo = &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
					r.PendingActivities = []*workflowpb.PendingActivityInfo{{
						ActivityId: "wait", ActivityType: &commonpb.ActivityType{Name: workflow.AwaitTokenSubmission},
					}}
					return nil
				case *workflowservice.RespondActivityTaskCompletedByIdResponse, *workflowservice.SignalWorkflowExecutionResponse:
					return completes
				default:
					return status.Error(codes.PermissionDenied, "away") // the SDK asks no second time
				}
			})},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lazy.Close)
	f.temporal = lazy
	return f
}

// What Temporal may have taken is never answered with "nothing was accepted": whoever chose
// another password then would find the link used.
func TestTemporalGoesAwayAfterItTookThePassword(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		completes, want error
	}{
		"taken":     {nil, ErrPending},
		"no answer": {status.Error(codes.DeadlineExceeded, "late"), ErrPending},
		"refused":   {status.Error(codes.PermissionDenied, "no"), ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := handingIn(t, tc.completes)
			if err := f.Submit(t.Context(), f.token(t, link.Reset, time.Now().Add(time.Minute)), goodPassword); !errors.Is(err, tc.want) {
				t.Errorf("submission: %v, want %v", err, tc.want)
			}
		})
	}
	f := handingIn(t, nil)
	if err := f.Cancel(t.Context(), f.token(t, link.Cancel, time.Now().Add(time.Minute))); !errors.Is(err, ErrPending) {
		t.Errorf("cancel: %v, want %v", err, ErrPending)
	}
}
