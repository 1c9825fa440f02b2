package operator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// server is a Temporal server with a campaign, nil without one.
type server struct {
	client.Client
	progress *workflow.Progress
	status   enumspb.WorkflowExecutionStatus
	silent   error // the error of a query
	refuse   error // the error of a command

	options  client.StartWorkflowOptions
	started  []workflow.Campaign
	commands []workflow.Command
	names    []string // of the updates
	queries  []string
}

func (s *server) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, _ any, args ...any) (client.WorkflowRun, error) {
	s.options = o
	if s.progress != nil && s.status == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		return nil, serviceerror.NewWorkflowExecutionAlreadyStarted("there is one", "", "")
	}
	s.started = append(s.started, args[0].(workflow.Campaign))
	return nil, nil
}

func (s *server) DescribeWorkflowExecution(context.Context, string, string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if s.progress == nil {
		return nil, serviceerror.NewNotFound("there is none")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{
		Status: s.status, CloseTime: timestamppb.New(midday),
	}}, nil
}

// value is an answer of the campaign.
type value struct{ workflow.Progress }

func (value) HasValue() bool { return true }

func (v value) Get(to any) error {
	*to.(*workflow.Progress) = v.Progress
	return nil
}

func (s *server) QueryWorkflow(context.Context, string, string, string, ...any) (converter.EncodedValue, error) {
	if s.silent != nil {
		return nil, s.silent
	}
	return value{*s.progress}, nil
}

// handle is an update that was decided.
type handle struct {
	client.WorkflowUpdateHandle
	value
	err error
}

func (h handle) Get(_ context.Context, to any) error {
	if h.err != nil {
		return h.err
	}
	return h.value.Get(to)
}

func (s *server) UpdateWorkflow(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	s.names, s.commands = append(s.names, o.UpdateName), append(s.commands, o.Args[0].(workflow.Command))
	if o.UpdateID != "" {
		return nil, errors.New("two operators who command at once would get one answer")
	}
	s.progress.Commands++
	return handle{value: value{*s.progress}, err: s.refuse}, nil
}

func (s *server) CountWorkflow(_ context.Context, r *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	s.queries = append(s.queries, r.GetQuery())
	return &workflowservice.CountWorkflowExecutionsResponse{Count: int64(len(s.queries))}, nil
}

// desk is a client of such a server.
func desk(s *server) *Client {
	return &Client{temporal: s, queue: "rekey", namespace: "accounts", payloads: converter.GetDefaultDataConverter()}
}

func running() *server {
	return &server{status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, progress: &workflow.Progress{
		Name: "LEAK", State: workflow.CampaignRuns, Operator: "a.smith", Rate: 50, Left: 40, Began: midday.Add(time.Millisecond), Commands: 3,
		Counts: workflow.Counts{Total: 100, Started: 50, Unfit: 5, Failed: 4},
	}}
}

var leak = CampaignOrder{Operator: "a.smith", Reason: "a leak", Rate: 50}

func TestStartCampaign(t *testing.T) {
	t.Parallel()
	s := &server{}
	all, list := leak, leak
	all.After, list.Addresses = "ann", []string{"Ann@EXAMPLE.com", "bob@example.com", "ann@example.com"}
	list.LinkLife, list.CoolDown, list.DryRun = time.Hour, time.Minute, true
	for _, o := range []CampaignOrder{all, list} {
		if err := desk(s).StartCampaign(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if s.options.ID != "force-all/rekey" || s.options.TaskQueue != "rekey" || !s.options.WorkflowExecutionErrorWhenAlreadyStarted ||
		s.options.WorkflowIDConflictPolicy != enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL {
		t.Errorf("options: %+v", s.options)
	}
	for i, in := range s.started {
		if len(in.Name) < 26 || time.Since(in.At) > time.Hour || in.Operator != "a.smith" || in.Reason != "a leak" || in.Rate != 50 {
			t.Errorf("campaign %d: %+v", i, in)
		}
	}
	if in := s.started[0]; in.List || in.After != "ann" || in.LinkLife != 24*time.Hour || in.MailPause != 30*time.Second || in.DryRun {
		t.Errorf("all: %+v", in)
	}
	if in := s.started[1]; !in.List || strings.Join(in.Addresses, " ") != "ann@example.com bob@example.com" || in.LinkLife != time.Hour || !in.DryRun {
		t.Errorf("list: %+v", in)
	}
	if s.started[0].Name == s.started[1].Name {
		t.Error("two campaigns have one name")
	}
}

func TestRefusedCampaigns(t *testing.T) {
	t.Parallel()
	many := make([]string, workflow.MaxAddresses+1)
	for i := range many {
		many[i] = fmt.Sprintf("user%d@example.com", i)
	}
	long := make([]string, workflow.MaxAddresses)
	for i := range long {
		long[i] = fmt.Sprintf("user%d%s@example.com", i, strings.Repeat("x", 50))
	}
	for name, tc := range map[string]struct {
		bend func(*CampaignOrder)
		want error
	}{
		"no name":        {func(o *CampaignOrder) { o.Operator = "" }, ErrOperator},
		"no rate":        {func(o *CampaignOrder) { o.Rate = 0 }, ErrRate},
		"too slow":       {func(o *CampaignOrder) { o.Rate = workflow.MinRate / 2 }, ErrRate},
		"too fast":       {func(o *CampaignOrder) { o.Rate = workflow.MaxRate + 1 }, ErrRate},
		"NaN":            {func(o *CampaignOrder) { o.Rate = math.NaN() }, ErrRate},
		"long reason":    {func(o *CampaignOrder) { o.Reason = strings.Repeat("ä", 501) }, ErrReason},
		"two lines":      {func(o *CampaignOrder) { o.Reason = "a\nb" }, ErrReason},
		"empty list":     {func(o *CampaignOrder) { o.Addresses = []string{} }, ErrList},
		"long list":      {func(o *CampaignOrder) { o.Addresses = many }, ErrList},
		"heavy list":     {func(o *CampaignOrder) { o.Addresses = long }, ErrList},
		"no address":     {func(o *CampaignOrder) { o.Addresses = []string{"ann@example.com", "Ann <ann>"} }, account.ErrAddress},
		"list and after": {func(o *CampaignOrder) { o.Addresses, o.After = []string{"ann@example.com"}, "ann" }, nil},
	} {
		s, o := &server{}, leak
		tc.bend(&o)
		err := desk(s).StartCampaign(t.Context(), o)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || len(s.started) > 0 || strings.Contains(err.Error(), "Ann <") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := desk(running()).StartCampaign(t.Context(), leak); !errors.Is(err, ErrCampaign) {
		t.Errorf("a second one: %v", err)
	}
	reader := desk(&server{})
	reader.readOnly = true
	if err := reader.StartCampaign(t.Context(), leak); !errors.Is(err, ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
}

// The facts are those of the campaign, and the states of its resets those of visibility.
func TestCampaign(t *testing.T) {
	t.Parallel()
	s := running()
	got, err := desk(s).Campaign(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.State != "running" || got.Total != 100 || got.Started != 50 || got.Unfit != 5 || got.Failed != 4 ||
		got.Left != 40 || !got.Began.Equal(midday) || got.Over() {
		t.Errorf("%+v", got)
	}
	if len(got.Resets) != 5 || got.Resets[0].Name != "open" || got.Resets[1].Name != "completed" || got.Resets[1].Runs != 2 {
		t.Errorf("resets: %+v", got.Resets)
	}
	want := "WorkflowType = 'ForceReset' AND TaskQueue = 'rekey' AND ParentWorkflowId = 'force-all/rekey' AND StartTime >= '2026-01-02T12:00:00Z' AND "
	if s.queries[0] != want+"ExecutionStatus IN ('Running', 'Paused')" ||
		s.queries[1] != want+"RekeyState = 'completed' AND NOT ExecutionStatus IN ('Running', 'Paused')" {
		t.Errorf("queries: %s", strings.Join(s.queries, "\n"))
	}

	if _, err := desk(&server{}).Campaign(t.Context()); !errors.Is(err, ErrNoCampaign) {
		t.Errorf("without a campaign: %v", err)
	}
	blind := desk(running())
	blind.payloads = nil
	if _, err := blind.Campaign(t.Context()); !errors.Is(err, keys.ErrUnknownKey) {
		t.Errorf("without keys: %v", err)
	}
	mute := running()
	mute.silent = serviceerror.NewQueryFailed("no worker")
	if _, err := desk(mute).Campaign(t.Context()); !errors.As(err, new(*serviceerror.QueryFailed)) {
		t.Errorf("without a worker: %v", err)
	}
}

// A campaign that ended from outside says so, also one of a stranger that answers nothing.
func TestCampaignThatEndedFromOutside(t *testing.T) {
	t.Parallel()
	for _, silent := range []error{nil, serviceerror.NewQueryFailed("no handler")} {
		s := running()
		s.status, s.silent = enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED, silent
		got, err := desk(s).Campaign(t.Context())
		if err != nil || got.State != Terminated || !got.Over() || !got.Ends.Equal(midday) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	for name, give := range map[string]func(*Client) (Campaign, error){
		"pause":  func(c *Client) (Campaign, error) { return c.PauseCampaign(t.Context(), "b.jones") },
		"resume": func(c *Client) (Campaign, error) { return c.ResumeCampaign(t.Context(), "b.jones") },
		"cancel": func(c *Client) (Campaign, error) { return c.CancelCampaign(t.Context(), "b.jones") },
		"rate":   func(c *Client) (Campaign, error) { return c.SetRate(t.Context(), "b.jones", 20) },
	} {
		s := running()
		got, err := give(desk(s))
		if err != nil || got.Started != 50 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		want := workflow.Command{Campaign: "LEAK", Number: 4, Do: name, Operator: "b.jones"}
		if name == "rate" {
			want.Rate = 20
		}
		if len(s.commands) != 1 || s.commands[0] != want || s.names[0] != name {
			t.Errorf("%s: %+v as %s", name, s.commands, s.names)
		}

		s = running()
		s.refuse = temporal.NewNonRetryableApplicationError("no", "old_command", nil)
		if _, err := give(desk(s)); !errors.Is(err, ErrCommand) {
			t.Errorf("%s that is refused: %v", name, err)
		}
		s = running()
		s.progress.State = workflow.CampaignCanceled
		if _, err := give(desk(s)); !errors.Is(err, ErrCampaignOver) || len(s.commands) > 0 {
			t.Errorf("%s after the end: %v", name, err)
		}
		reader := desk(running())
		reader.readOnly = true
		if _, err := give(reader); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s by a reader: %v", name, err)
		}
	}
	if _, err := desk(running()).SetRate(t.Context(), "b.jones", 0); !errors.Is(err, ErrRate) {
		t.Errorf("no rate: %v", err)
	}
	if _, err := desk(running()).PauseCampaign(t.Context(), ""); !errors.Is(err, ErrOperator) {
		t.Errorf("no name: %v", err)
	}
}
