package starter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/password/breached"
)

// waiting is a client with a Temporal server whose every run waits for a submission, or for none.
type waiting struct {
	*filter
	none      atomic.Bool
	delivered atomic.Int64 // submissions that were sent
	asked     []string     // passwords that were compared with breaches
	answer    error
}

func newWaiting(t *testing.T) *waiting {
	t.Helper()
	w := &waiting{filter: newFilter(t)}
	w.cfg.Hashing = password.DefaultParams()
	w.cfg.Breached = func(_ context.Context, pw string) error {
		w.asked = append(w.asked, pw)
		return w.answer
	}
	w.call(t, client.Options{}, w.serve)
	return w
}

// errDenied is an error that Temporal's client does not try again.
var errDenied = status.Error(codes.PermissionDenied, "denied")

// serve stands for the server. Calls after a submission do not matter here.
func (w *waiting) serve(_ context.Context, _ string, _, reply any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
	switch r := reply.(type) {
	case *workflowservice.GetSystemInfoResponse:
		return nil
	case *workflowservice.DescribeWorkflowExecutionResponse:
		r.WorkflowExecutionInfo = &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING}
		if !w.none.Load() {
			r.PendingActivities = []*workflowpb.PendingActivityInfo{openWait()}
		}
		return nil
	case *workflowservice.RespondActivityTaskCompletedByIdResponse:
		w.delivered.Add(1)
	}
	return errDenied
}

func (w *waiting) fresh(t *testing.T) string {
	t.Helper()
	return w.token(t, link.Reset, time.Now().Add(time.Minute))
}

// security 8: a password that is known from a breach is refused with its reason. The link stays
// good, since nothing was sent.
func TestBreachedPasswordIsRefused(t *testing.T) {
	t.Parallel()
	w := newWaiting(t)
	w.answer = &password.Refusal{Code: password.Breached, Reason: "Known.", Suggestions: []string{"Another."}}
	if err := w.Submit(t.Context(), w.fresh(t), goodPassword); !errors.Is(err, w.answer) {
		t.Errorf("%v, want %v", err, w.answer)
	}
	if n := w.delivered.Load(); n != 0 {
		t.Errorf("%d submissions", n)
	}
}

// security 8: without a required check no password is accepted, and the link stays good.
func TestUncheckedPasswordIsUnavailable(t *testing.T) {
	t.Parallel()
	w := newWaiting(t)
	w.answer = breached.ErrUnchecked
	if err := w.Submit(t.Context(), w.fresh(t), goodPassword); !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v, want %v", err, ErrUnavailable)
	}
	if n := w.delivered.Load(); n != 0 {
		t.Errorf("%d submissions", n)
	}
	w.answer = nil
	if err := w.Submit(t.Context(), w.fresh(t), goodPassword); w.delivered.Load() != 1 {
		t.Errorf("checked: %v, %d submissions", err, w.delivered.Load())
	}
}

// Only an acceptable password is compared, once, in its normalized form.
func TestWhatIsComparedWithBreaches(t *testing.T) {
	t.Parallel()
	w := newWaiting(t)
	fresh := w.fresh(t)
	for name, tc := range map[string]struct {
		token, password string
		none            bool
		want            []string
	}{
		"good":       {fresh, goodPassword, false, []string{goodPassword}},
		"decomposed": {fresh, "gru\u0308n ist die Hoffnung", false, []string{"gr\u00fcn ist die Hoffnung"}},
		"forged":     {swapCase(fresh), goodPassword, false, nil},
		"expired":    {w.token(t, link.Reset, time.Now().Add(-clockSkew-2*time.Second)), goodPassword, false, nil},
		"short":      {fresh, "short", false, nil},
		"blocked":    {fresh, "passwordpassword", false, nil},
		"used":       {fresh, goodPassword, true, nil},
	} {
		w.asked = nil
		w.none.Store(tc.none)
		err := w.Submit(t.Context(), tc.token, tc.password)
		if diff := cmp.Diff(tc.want, w.asked); diff != "" || err == nil {
			t.Errorf("%s: %v, asked: %s", name, err, diff)
		}
	}
}

// security 15: a slow answer about breaches occupies no place in the hashing budget.
func TestBreachesAreAskedOutsideTheBudget(t *testing.T) {
	t.Parallel()
	w := newWaiting(t)
	w.cfg.Breached = func(ctx context.Context, _ string) error {
		return w.cfg.Budget.Do(ctx, func() error { return nil }) // it has one place and no queue
	}
	if err := w.Submit(t.Context(), w.fresh(t), goodPassword); w.delivered.Load() != 1 {
		t.Errorf("not delivered: %v", err)
	}
}

// Without the check passwords are accepted as ever.
func TestNoBreachCheck(t *testing.T) {
	t.Parallel()
	w := newWaiting(t)
	w.cfg.Breached = nil
	if err := w.Submit(t.Context(), w.fresh(t), goodPassword); w.delivered.Load() != 1 {
		t.Errorf("not delivered: %v", err)
	}
}

// The real check meets a server that knows the password and then one that is gone. The error names
// the failure, and holds no part of the query.
func TestBreachCheckOverHTTP(t *testing.T) {
	t.Parallel()
	const prefix, suffix = "E22C7", "2A2DFDC8E3B125E2B0237BBDB93B73EF91A" // of goodPassword
	mirror := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/"+prefix {
			fmt.Fprintln(rw, suffix+":3")
		}
	}))
	defer mirror.Close()
	corpus, err := breached.New(breached.Config{URL: mirror.URL, FailClosed: true, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	w := newWaiting(t)
	w.cfg.Breached = corpus.Check
	token := w.fresh(t)
	known := w.Submit(t.Context(), token, goodPassword)
	if refusal, ok := errors.AsType[*password.Refusal](known); !ok || refusal.Code != password.Breached {
		t.Errorf("known: %v", known)
	}
	mirror.Close()
	gone := w.Submit(t.Context(), token, goodPassword)
	if !errors.Is(gone, ErrUnavailable) || !errors.Is(gone, breached.ErrUnchecked) {
		t.Errorf("gone: %v", gone)
	}
	if told := strings.ToUpper(fmt.Sprint(known, gone)); strings.Contains(told, prefix) || strings.Contains(told, suffix[:6]) {
		t.Errorf("part of the hash in %s", told)
	}
}
