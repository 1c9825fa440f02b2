package web

import (
	"context"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
)

const baseURL = "https://id.example.com"

// realStarter is a client of a Temporal in which every run waits for a submission and takes every
// request.
type realStarter struct {
	*starter.Client
	links *link.Box
	calls atomic.Int64 // about runs
	now   time.Time    // zero is the time of day
}

func newRealStarter(tb testing.TB, change ...func(*starter.Config)) *realStarter {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "keys")
	if err := keys.Create(dir, true); err != nil {
		tb.Fatal(err)
	}
	r := &realStarter{}
	cfg := starter.Config{
		Keys: keys.Open(dir, keys.AllowDev), BaseURL: link.MustParseBaseURL(baseURL), Product: "Acme", Now: r.clock,
		Policy: password.DefaultPolicy(), Budget: password.NewBudget(1, 0, time.Second),
	}
	cfg.Temporal.ConnectionOptions.DialOptions = []grpc.DialOption{grpc.WithChainUnaryInterceptor(r.serve)}
	for _, c := range change {
		c(&cfg)
	}
	aead, err := cfg.Keys.Link()
	if err != nil {
		tb.Fatal(err)
	}
	if r.links, err = link.New(aead, cfg.BaseURL, "default"); err != nil {
		tb.Fatal(err)
	}
	if r.Client, err = starter.Dial(tb.Context(), cfg); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.Close)
	return r
}

func (r *realStarter) clock() time.Time {
	if r.now.IsZero() {
		return time.Now()
	}
	return r.now
}

func (r *realStarter) serve(_ context.Context, _ string, _, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
	switch reply := reply.(type) {
	case *workflowservice.GetSystemInfoResponse, *workflowservice.DescribeNamespaceResponse:
		return nil
	case *workflowservice.DescribeWorkflowExecutionResponse:
		r.calls.Add(1)
		reply.WorkflowExecutionInfo = &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
		reply.PendingActivities = []*workflowpb.PendingActivityInfo{{
			ActivityId: "wait", ActivityType: &commonpb.ActivityType{Name: flow.AwaitTokenSubmission},
		}}
		return nil
	case *workflowservice.SignalWithStartWorkflowExecutionResponse:
		r.calls.Add(1)
		return nil
	default: // queries of a process about the others of its task queue
		return status.Error(codes.PermissionDenied, "denied")
	}
}

// token is that of a link of a mail.
func (r *realStarter) token(tb testing.TB, expires time.Time) string {
	tb.Helper()
	token, err := r.links.Seal(link.Reset, link.Claims{
		RunID: "6b1f3a52-7a0e-4c1d-9e53-0d2f4a6b8c01", AccountKey: strings.Repeat("a", 32),
		Expires: expires.Truncate(time.Second), Address: "ada@example.com",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return token.Text()
}

// forged is a token with one other character, under a known key.
func (r *realStarter) forged(tb testing.TB) string {
	tb.Helper()
	good := r.token(tb, time.Now().Add(time.Minute))
	middle, other := len(good)/2, "A"
	if good[middle] == 'A' {
		other = "B"
	}
	return good[:middle] + other + good[middle+1:]
}
