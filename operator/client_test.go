package operator

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

const erin = "erin@example.com"

func newKeys(t *testing.T) keys.Dir {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if err := keys.Create(dir, false); err != nil {
		t.Fatal(err)
	}
	return keys.Open(dir)
}

// An address is judged before anything is sent, and no error repeats it.
func TestAddressesAreJudged(t *testing.T) {
	t.Parallel()
	c := &Client{temporal: empty{}, keys: newKeys(t)}
	for _, text := range []string{"a b@example.com", "Erin <erin@example.com>"} {
		_, cancelErr := c.Cancel(t.Context(), text, "a.smith")
		_, resendErr := c.Resend(t.Context(), Order{Address: text, Operator: "a.smith"})
		_, findErr := c.Find(t.Context(), text, 1)
		for _, err := range []error{cancelErr, resendErr, findErr} {
			if !errors.Is(err, account.ErrAddress) || strings.Contains(err.Error(), text) {
				t.Errorf("an address that is none: %v", err)
			}
		}
	}
}

// A client for reading changes nothing, and one without keys accepts no address.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	c := &Client{readOnly: true}
	if _, err := c.Cancel(t.Context(), erin, "a.smith"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("cancel: %v", err)
	}
	if _, err := c.Resend(t.Context(), Order{Address: erin, Operator: "a.smith"}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("resend: %v", err)
	}
	if _, err := c.Find(t.Context(), erin, 1); !errors.Is(err, errNoKeys) {
		t.Errorf("find: %v", err)
	}
}

// Names go into the audit log, which holds no address.
func TestOperatorsHaveNames(t *testing.T) {
	t.Parallel()
	c := &Client{keys: newKeys(t)}
	for _, name := range []string{"", "a.smith@example.com", "a\nb"} {
		if _, err := c.Cancel(t.Context(), erin, name); !errors.Is(err, ErrOperator) {
			t.Errorf("cancel by %q: %v", name, err)
		}
		if _, err := c.Resend(t.Context(), Order{Address: erin, Operator: name}); !errors.Is(err, ErrOperator) {
			t.Errorf("resend by %q: %v", name, err)
		}
	}
}

// A payload.json that is missing stops a client that writes before it connects.
func TestDialNeedsKeysToWrite(t *testing.T) {
	t.Parallel()
	for readOnly, want := range map[bool]string{false: "keyset payload", true: "connect to Temporal at 127.0.0.1:1"} {
		_, err := Dial(t.Context(), Config{
			Temporal: client.Options{HostPort: "127.0.0.1:1"}, Keys: keys.Open(t.TempDir()), ReadOnly: readOnly,
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("read-only %t: %v", readOnly, err)
		}
	}
	if _, err := Dial(t.Context(), Config{}); !errors.Is(err, errNoKeys) {
		t.Errorf("without keys: %v", err)
	}
}

// Requests that would mail nothing are answered before they are sent.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	third := func(expires time.Time) Run {
		w := mailed(t, "")
		for n := range int64(2) {
			w.link().end(6+3*n, flow.Delivery{Expires: expires}).timer()
		}
		return w.run()
	}
	for name, tc := range map[string]struct {
		run  Run
		now  time.Time
		want flow.Unanswered
	}{
		"no run":                  {Run{}, midday, ""},
		"a run that has ended":    {mailed(t, "").complete(flow.Outcome{}).run(), midday, ""},
		"no worker has it yet":    {tell(t).run(), midday, flow.MailOnItsWay},
		"another is on its way":   {mailed(t, "").link().run(), midday.Add(5 * time.Hour), flow.MailOnItsWay},
		"a mail is on its way":    {begun(t).run(), midday, flow.MailOnItsWay},
		"no worker has looked":    {begun(t).end(3, flow.Delivery{}).run(), midday.Add(5 * time.Hour), flow.MailOnItsWay},
		"within the cool-down":    {mailed(t, "").run(), midday.Add(time.Hour), flow.InCoolDown},
		"after the cool-down":     {mailed(t, "").run(), midday.Add(2 * time.Hour), ""},
		"a password is settled":   {mailed(t, "").end(2, flow.Submission{}).run(), midday, ""},
		"the last link is out":    {third(midday.Add(6 * time.Hour)), midday.Add(5 * time.Hour), flow.LastLinkOut},
		"the last link has ended": {third(midday.Add(4 * time.Hour)), midday.Add(5 * time.Hour), ""},
	} {
		got := tc.run.answer(tc.now)
		if got.Why != tc.want {
			t.Errorf("%s: %q", name, got.Why)
		}
		if again := midday.Add(64 * time.Minute); got.Why == flow.InCoolDown && !got.Again.Equal(again) {
			t.Errorf("%s: again at %s", name, got.Again)
		}
	}
}

// The cool-down begins when the run hears of the mail, which may be long after it went out.
func TestCoolDownBeginsWithTheRun(t *testing.T) {
	t.Parallel()
	r := begun(t).end(3, flow.Delivery{}).close(enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED).timer().run()
	got := r.answer(midday.Add(64 * time.Minute))
	if again := midday.Add(65 * time.Minute); got.Why != flow.InCoolDown || !got.Again.Equal(again) {
		t.Errorf("%q, again at %s, want %s", got.Why, got.Again, again)
	}
}

// empty is a Temporal server that keeps no run.
type empty struct{ client.Client }

func (empty) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	return &workflowservice.ListWorkflowExecutionsResponse{}, nil
}

func (empty) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return nil, serviceerror.NewNotFound("it is not there")
}

// Every name of an unknown reset gives the same error.
func TestNoRun(t *testing.T) {
	t.Parallel()
	c := &Client{temporal: empty{}, keys: newKeys(t), namespace: "accounts"}
	for _, text := range []string{erin, "reset/4f1c", "invitation/4f1c", "0197b1a0-0000-7000-8000-000000000001"} {
		if _, err := c.Cancel(t.Context(), text, "a.smith"); !errors.Is(err, ErrNoRun) {
			t.Errorf("cancel of %s: %v", text, err)
		}
	}
	if _, err := c.Find(t.Context(), erin, 1); !errors.Is(err, ErrNoRun) {
		t.Errorf("find: %v", err)
	}
}

// paused is a Temporal server whose run an operator has paused before its first event was read.
type paused struct{ empty }

func (paused) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	return &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Status: enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED},
	}, nil
}

func (paused) GetWorkflowHistory(context.Context, string, string, bool, enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	return none{}
}

// none are no events.
type none struct{}

func (none) HasNext() bool                          { return false }
func (none) Next() (*historypb.HistoryEvent, error) { return nil, errors.New("there is no event") }

// A paused run is open.
func TestFindAPausedRun(t *testing.T) {
	t.Parallel()
	c := &Client{temporal: paused{}, keys: newKeys(t), namespace: "accounts"}
	found, err := c.Find(t.Context(), erin, 1)
	if err != nil || len(found) != len(workflow.Flows()) || !found[0].Paused || !found[0].Open {
		t.Errorf("%+v, %v", found, err)
	}
}

// full is a Temporal server whose run answers a signal with an error.
type full struct {
	client.Client
	signal   error
	canceled []string
}

func (f *full) SignalWorkflow(context.Context, string, string, string, any) error { return f.signal }

func (f *full) CancelWorkflow(_ context.Context, id, run string) error {
	f.canceled = append(f.canceled, id+" "+run)
	return nil
}

// A stranger who fills a run with signals cannot prevent an operator's cancel. A run that ends
// meanwhile is no fault.
func TestCancelOfARunThatTakesNoSignal(t *testing.T) {
	t.Parallel()
	r := mailed(t, "").run()
	away := serviceerror.NewUnavailable("away")
	for name, tc := range map[string]struct {
		signal   error
		named    bool
		canceled int
		want     error
	}{
		"takes it":  {nil, true, 0, nil},
		"is full":   {serviceerror.NewInvalidArgument("the limit for signal events is exceeded"), false, 1, nil},
		"has ended": {serviceerror.NewNotFound("it has ended"), false, 0, nil},
		"away":      {away, false, 0, away},
	} {
		f := &full{signal: tc.signal}
		named, err := (&Client{temporal: f}).sendCancel(t.Context(), r, "a.smith")
		if named != tc.named || len(f.canceled) != tc.canceled || err != tc.want { //nolint:errorlint // the same one
			t.Errorf("%s: named %t, canceled %v, %v", name, named, f.canceled, err)
		}
	}
}
