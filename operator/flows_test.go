package operator

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// keeper is a Temporal server that keeps some runs, of each workflow ID the newest first. Its
// worker does at once what a signal asks for.
type keeper struct {
	client.Client
	runs []*kept
	did  []string // signals and starts
}

type kept struct {
	*teller
	id, run string
}

// keep adds a run of erin.
func (k *keeper) keep(t *testing.T, dir keys.Dir, w *teller, started time.Duration) *kept {
	t.Helper()
	w.shift = started
	for _, e := range w.events {
		e.EventTime = timestamppb.New(e.GetEventTime().AsTime().Add(started))
	}
	r := &kept{w, w.flow.ID(erinsKey(t, dir)), fmt.Sprintf("0197b1a0-0000-7000-8000-%012d", len(k.runs)+1)}
	k.runs = append(k.runs, r)
	return r
}

func erinsKey(t *testing.T, dir keys.Dir) string {
	t.Helper()
	key, err := (&Client{keys: dir}).accountKey(erin)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (k *keeper) find(id, run string) (*kept, error) {
	i := slices.IndexFunc(k.runs, func(r *kept) bool { return r.id == id && (run == "" || r.run == run) })
	if i < 0 {
		return nil, serviceerror.NewNotFound("it is not there")
	}
	return k.runs[i], nil
}

func (k *keeper) DescribeWorkflowExecution(_ context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	r, err := k.find(id, run)
	if err != nil {
		return nil, err
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: r.info()}, nil
}

func (r *kept) info() *workflowpb.WorkflowExecutionInfo {
	info := &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: r.id, RunId: r.run}, Type: &commonpb.WorkflowType{Name: r.flow.Name},
		Status: enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING,
	}
	if !r.teller.run().Open {
		info.Status = enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}
	return info
}

func (k *keeper) GetWorkflowHistory(_ context.Context, id, run string, _ bool, _ enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	r, err := k.find(id, run)
	if err != nil {
		return &iterator{}
	}
	return &iterator{r.events}
}

type iterator struct{ left []*historypb.HistoryEvent }

func (i *iterator) HasNext() bool { return len(i.left) > 0 }

func (i *iterator) Next() (*historypb.HistoryEvent, error) {
	e := i.left[0]
	i.left = i.left[1:]
	return e, nil
}

var condition = regexp.MustCompile(`(WorkflowId|RunId|WorkflowType) (?:= |IN \()((?:'[^']+'(?:, )?)+)`)

// ListWorkflow knows the conditions of this package.
func (k *keeper) ListWorkflow(_ context.Context, q *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	found := &workflowservice.ListWorkflowExecutionsResponse{}
	for _, r := range k.runs {
		is := map[string]string{"WorkflowId": r.id, "RunId": r.run, "WorkflowType": r.flow.Name}
		matches := true
		for _, m := range condition.FindAllStringSubmatch(q.GetQuery(), -1) {
			matches = matches && strings.Contains(m[2], "'"+is[m[1]]+"'")
		}
		if strings.Contains(q.GetQuery(), flow.OpenRuns) {
			matches = matches && flow.Open(r.info().GetStatus())
		}
		if matches && len(found.GetExecutions()) < int(q.GetPageSize()) {
			found.Executions = append(found.Executions, r.info())
		}
	}
	return found, nil
}

func (k *keeper) CountWorkflow(ctx context.Context, q *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	found, err := k.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: q.GetQuery(), PageSize: 10})
	return &workflowservice.CountWorkflowExecutionsResponse{Count: int64(len(found.GetExecutions()))}, err
}

func (k *keeper) SignalWorkflow(_ context.Context, id, run, signal string, arg any) error {
	caller, ok := arg.(flow.Caller)
	if !ok || caller.AccountKey != flow.AccountKey(id) || caller.Operator != "a.smith" {
		return fmt.Errorf("a foreign signal: %+v", arg)
	}
	r, err := k.find(id, run)
	if err != nil || !r.teller.run().Open {
		return serviceerror.NewNotFound("it has ended")
	}
	k.did = append(k.did, signal+" "+r.flow.Kind)
	if signal == flow.DisownSignal {
		r.upsert(statemachine.StateCanceled).complete(flow.Outcome{})
		return nil
	}
	r.link()
	r.end(r.last, flow.Delivery{}).timer()
	return nil
}

func (k *keeper) SignalWithStartWorkflow(_ context.Context, id, _ string, _ any, _ client.StartWorkflowOptions, kind any, _ ...any) (client.WorkflowRun, error) {
	k.did = append(k.did, fmt.Sprintf("start %s", kind))
	r, err := k.find(id, "")
	if err != nil {
		return nil, errors.New("the test keeps no such run")
	}
	w := tellOf(r.T, r.flow, flow.Request{}, inClear).begin(flow.AwaitTokenSubmission).link().end(3, flow.Delivery{}).timer()
	k.runs = slices.Insert(k.runs, slices.Index(k.runs, r), &kept{w, r.id, "0197b1a0-0000-7000-8000-000000000099"})
	return nil, nil
}

// waiting is an open run of a flow that has mailed its first link, and over one that has expired.
func waiting(t *testing.T, d flow.Definition) *teller {
	t.Helper()
	return tellOf(t, d, flow.Request{LinkLife: 30 * time.Minute, MailPause: time.Hour}, inClear).
		begin(flow.AwaitTokenSubmission).link().end(3, flow.Delivery{}).timer()
}

func over(t *testing.T, d flow.Definition) *teller {
	t.Helper()
	return waiting(t, d).upsert(statemachine.StateExpired).complete(flow.Outcome{})
}

// desk is a client of a keeper with runs of erin, each an hour older than the one before it.
func flowDesk(t *testing.T, runs ...*teller) (*Client, *keeper) {
	t.Helper()
	k, dir := &keeper{}, newKeys(t)
	for i, w := range runs {
		k.keep(t, dir, w, -time.Duration(i)*time.Hour)
	}
	return &Client{temporal: k, keys: dir, namespace: "accounts", queue: "rekey", payloads: converter.GetDefaultDataConverter()}, k
}

// said are the flows and states of runs.
func said(runs ...Run) (all []string) {
	for _, r := range runs {
		all = append(all, r.Flow+" "+r.State)
	}
	return all
}

// An address has the runs of all flows, each with the name of its flow; the newest are first.
func TestFindAllFlows(t *testing.T) {
	t.Parallel()
	c, _ := flowDesk(t, waiting(t, workflow.Invite), over(t, workflow.ResetPassword), over(t, workflow.Invite), over(t, workflow.ResetPassword))
	for limit, want := range map[int][]string{
		1: {"invitation awaiting_token", "reset expired"},
		2: {"invitation awaiting_token", "invitation expired", "reset expired", "reset expired"},
	} {
		found, err := c.Find(t.Context(), erin, limit)
		if diff := cmp.Diff(want, said(found...)); diff != "" || err != nil {
			t.Errorf("%d: %v (-want +got):\n%s", limit, err, diff)
		}
	}
	found, err := c.Of(workflow.ResetPassword).Find(t.Context(), erin, 1)
	if diff := cmp.Diff([]string{"reset expired"}, said(found...)); diff != "" || err != nil {
		t.Errorf("of resets: %v (-want +got):\n%s", err, diff)
	}
	if _, err := c.Of(workflow.ForceReset).Find(t.Context(), erin, 1); !errors.Is(err, ErrNoRun) {
		t.Errorf("of forced resets: %v", err)
	}
}

// A text names a run by its ID, by its workflow ID of any flow, or by the address of its account.
// An address means the open run, or else the newest.
func TestNamed(t *testing.T) {
	t.Parallel()
	c, k := flowDesk(t, over(t, workflow.ResetPassword), waiting(t, workflow.ForceReset), over(t, workflow.Invite))
	for text, want := range map[string]string{
		erin: "forced-reset awaiting_token", "Erin@EXAMPLE.com": "forced-reset awaiting_token",
		k.runs[0].id: "reset expired", k.runs[1].id: "forced-reset awaiting_token", k.runs[2].id: "invitation expired",
		k.runs[0].run: "reset expired", k.runs[1].run: "forced-reset awaiting_token", k.runs[2].run: "invitation expired",
	} {
		if r, err := c.named(t.Context(), text); err != nil || r.Flow+" "+r.State != want {
			t.Errorf("%s: %v %v, want %s", text, said(r), err, want)
		}
	}
	if r, err := c.Of(workflow.Invite, workflow.ResetPassword).named(t.Context(), erin); err != nil || r.Flow != "reset" {
		t.Errorf("the newest: %v %v", said(r), err)
	}
	for _, text := range []string{"erin", "", "reset", "other/4f1c", "finish/0197b1a0-0000-7000-8000-000000000001"} {
		if _, err := c.named(t.Context(), text); !errors.Is(err, ErrTarget) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// An address does not say which of several open runs is meant. The answer does.
func TestSeveralOpenRuns(t *testing.T) {
	t.Parallel()
	c, k := flowDesk(t, waiting(t, workflow.ResetPassword), waiting(t, workflow.ForceReset), over(t, workflow.Invite))
	_, err := c.Cancel(t.Context(), erin, "a.smith")
	_, resendErr := c.Resend(t.Context(), Order{Address: erin, Operator: "a.smith"})
	for _, err := range []error{err, resendErr} {
		if !errors.Is(err, ErrSeveral) || !strings.Contains(err.Error(), k.runs[0].id+", "+k.runs[1].id) ||
			strings.Contains(err.Error(), k.runs[2].id) {
			t.Errorf("%v", err)
		}
	}
	if len(k.did) > 0 || errors.Is(ErrNoRun, ErrSeveral) {
		t.Errorf("did %q", k.did)
	}
}

// A run that is decided, and open for a notice, is not the one that an operator means.
func TestDecidedRunIsNotMeant(t *testing.T) {
	t.Parallel()
	notifying := waiting(t, workflow.ResetPassword).upsert(statemachine.StateCompleted).notice("ada.backup@example.com")
	c, _ := flowDesk(t, notifying, waiting(t, workflow.Invite))
	if r, err := c.named(t.Context(), erin); err != nil || r.Flow != "invitation" {
		t.Errorf("%v %v", said(r), err)
	}
}

// Runs of each flow are canceled by address, run ID and workflow ID.
func TestCancelOfEachFlow(t *testing.T) {
	t.Parallel()
	for _, d := range workflow.Flows() {
		for i := range 3 {
			c, k := flowDesk(t, waiting(t, d))
			text := []string{erin, k.runs[0].id, k.runs[0].run}[i]
			done, err := c.Cancel(t.Context(), text, "a.smith")
			if err != nil || done.Result != Canceled || done.Run.Flow != d.Kind || !slices.Equal(k.did, []string{"disown " + d.Kind}) {
				t.Errorf("%s of %s: %+v, %v, did %q", text, d.Name, done, err, k.did)
			}
			if done, err = c.Cancel(t.Context(), text, "a.smith"); err != nil || done.Result != AlreadyOver {
				t.Errorf("again: %+v, %v", done, err)
			}
		}
	}
}

// An open run of any flow mails another link. Only a reset is started for a request.
func TestResendOfEachFlow(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		runs   []*teller
		of     []flow.Definition
		order  func(*keeper) Order
		result string
		why    flow.Unanswered
		did    []string
	}{
		"an open invitation, by address": {
			[]*teller{waiting(t, workflow.Invite), over(t, workflow.ResetPassword)},
			nil,
			nil, Mailed, "",
			[]string{"request invitation"},
		},
		"an open forced reset, by run ID": {
			[]*teller{waiting(t, workflow.ForceReset), waiting(t, workflow.ResetPassword)},
			nil,
			func(k *keeper) Order { return Order{Run: k.runs[0].run} }, Mailed, "",
			[]string{"request forced-reset"},
		},
		"an open reset, by workflow ID": {
			[]*teller{waiting(t, workflow.ForceReset), waiting(t, workflow.ResetPassword)},
			nil,
			func(k *keeper) Order { return Order{Run: k.runs[1].id} }, Mailed, "",
			[]string{"request reset"},
		},
		"a reset that is over, by address": {
			[]*teller{over(t, workflow.Invite), over(t, workflow.ResetPassword)},
			nil,
			nil, Mailed, "",
			[]string{"start ResetPassword"},
		},
		"a reset that is over, by workflow ID": {
			[]*teller{over(t, workflow.ResetPassword)},
			nil,
			func(k *keeper) Order { return Order{Run: k.runs[0].id} }, NothingMailed, NotOpen, nil,
		},
		"an invitation that is over, by run ID": {
			[]*teller{over(t, workflow.Invite)},
			nil,
			func(k *keeper) Order { return Order{Run: k.runs[0].run} }, NothingMailed, NotOpen, nil,
		},
		"an invitation that is over, by a client of invitations": {
			[]*teller{over(t, workflow.Invite), over(t, workflow.ResetPassword)},
			[]flow.Definition{workflow.Invite},
			nil, NothingMailed, NotOpen, nil,
		},
		"a password that is being blocked": {
			[]*teller{tellOf(t, workflow.ForceReset, flow.Request{}, inClear).begin(workflow.BlockPassword)},
			nil,
			nil, NothingMailed, flow.MailOnItsWay, nil,
		},
	} {
		c, k := flowDesk(t, tc.runs...)
		if tc.of != nil {
			c = c.Of(tc.of...)
		}
		order := Order{Address: erin}
		if tc.order != nil {
			order = tc.order(k)
		}
		order.Operator = "a.smith"
		got, err := c.Resend(t.Context(), order)
		if err != nil || got.Result != tc.result || got.Why != tc.why || !slices.Equal(k.did, tc.did) {
			t.Errorf("%s: %s %q, %v, did %q", name, got.Result, got.Why, err, k.did)
		}
	}
}

// Lists and counts have all flows with their names, or those of a client.
func TestListAndStatsOfFlows(t *testing.T) {
	t.Parallel()
	blocking := tellOf(t, workflow.ForceReset, flow.Request{}, inClear).begin(workflow.BlockPassword)
	c, _ := flowDesk(t, waiting(t, workflow.Invite), waiting(t, workflow.ResetPassword), blocking, over(t, workflow.Invite))
	for _, tc := range []struct {
		of     []flow.Definition
		listed string
		counts map[string]int64
	}{
		{workflow.Flows(), "invitation reset forced-reset", map[string]int64{"reset": 1, "invitation": 1, "forced-reset": 1}},
		{[]flow.Definition{workflow.Invite}, "invitation", map[string]int64{"invitation": 1}},
	} {
		listed, err := c.Of(tc.of...).List(t.Context(), "", 50)
		var kinds []string
		for _, r := range listed {
			kinds = append(kinds, r.Flow)
		}
		if got := strings.Join(kinds, " "); got != tc.listed || err != nil {
			t.Errorf("listed %q, %v, want %q", got, err, tc.listed)
		}
		stats, err := c.Of(tc.of...).Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.counts, stats.Open[0].Flows); diff != "" || stats.Open[0].Runs != int64(len(tc.counts)) {
			t.Errorf("%d runs (-want +got):\n%s", stats.Open[0].Runs, diff)
		}
	}
}

// A flow of an application has the same tools, with an end of its own.
func TestFlowOfAnApplication(t *testing.T) {
	t.Parallel()
	own := flow.Definition{Name: "VerifyEmail", Kind: "verification", Table: statemachine.Table[statemachine.State, statemachine.Event]{
		{From: statemachine.StateRequested, Event: statemachine.LinkSent, To: statemachine.StateAwaitingToken},
		{From: statemachine.StateAwaitingToken, Event: statemachine.TokenSubmitted, To: "verified"},
		{From: statemachine.StateAwaitingToken, Event: statemachine.Cancel, To: statemachine.StateCanceled},
	}}
	c, k := flowDesk(t, waiting(t, own), waiting(t, workflow.ResetPassword))
	desk := c.Of(own)
	if r, err := desk.named(t.Context(), erin); err != nil || r.Flow != "verification" || r.Settled() {
		t.Errorf("%+v, %v", r, err)
	}
	if ends := desk.ends(); ends[len(ends)-1] != "verified" || len(ends) != 5 {
		t.Errorf("ends %v", ends)
	}
	k.runs[0].upsert("verified")
	if r, err := desk.named(t.Context(), erin); err != nil || !r.Settled() || !r.story.machine.Final() {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := c.named(t.Context(), k.runs[0].id); !errors.Is(err, ErrTarget) {
		t.Errorf("by a client of other flows: %v", err)
	}
}
