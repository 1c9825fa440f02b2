package worker

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
)

// debtor is a store with pending notices of some runs.
type debtor struct {
	account.Store
	runs []string
	err  error
	at   []time.Time // looked at
	age  []time.Duration
	old  time.Duration   // of the changes, above the minimum for a look
	new  []string        // runs whose changes are that young
	told map[string]bool // runs whose notice has reached an address
}

func (d *debtor) Owed(_ context.Context, before time.Time, most int) (owed []account.Notice, _ error) {
	if age := time.Since(before); age < overdueAfter {
		d.at, d.age = append(d.at, time.Now()), append(d.age, age)
	}
	for _, run := range slices.Concat(d.new, d.runs) {
		n := account.Notice{Run: run, Changed: time.Now().Add(-owedAfter - 1)}
		if slices.Contains(d.runs, run) {
			n.Changed = n.Changed.Add(-d.old)
		}
		if d.told[run] {
			n.Told = 1
		}
		if n.Changed.Before(before) {
			owed = append(owed, n)
		}
	}
	return owed[:min(most, len(owed))], d.err
}

// keeper is a Temporal that keeps some runs of one workflow, by their IDs.
type keeper struct {
	client.Client
	runs    map[string]*workflowpb.WorkflowExecutionInfo
	now     string // the newest
	err     error
	started []flow.Ending
	foreign bool // a foreign workflow has the ID of a FinishReset
}

const resetID = "reset/0123"

func (k *keeper) ListWorkflow(_ context.Context, in *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	found := &workflowservice.ListWorkflowExecutionsResponse{}
	for run := range k.runs {
		if in.GetQuery() == "RunId = '"+run+"'" && in.GetNamespace() == "harbor" {
			found.Executions = append(found.Executions, &workflowpb.WorkflowExecutionInfo{
				Execution: &commonpb.WorkflowExecution{WorkflowId: resetID, RunId: run},
			})
		}
	}
	return found, k.err
}

func (k *keeper) DescribeWorkflowExecution(_ context.Context, id, run string) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if run == "" {
		run = k.now
	}
	if n := len(k.started); n > 0 && id == flow.FinishID(k.started[n-1].Run) {
		kind := flow.FinishName
		if k.foreign {
			kind = "Stranger"
		}
		return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: &workflowpb.WorkflowExecutionInfo{Type: &commonpb.WorkflowType{Name: kind}}}, nil
	}
	if id != resetID || k.runs[run] == nil {
		return nil, serviceerror.NewNotFound("no such run")
	}
	return &workflowservice.DescribeWorkflowExecutionResponse{WorkflowExecutionInfo: k.runs[run]}, nil
}

func (k *keeper) ExecuteWorkflow(_ context.Context, o client.StartWorkflowOptions, kind any, args ...any) (client.WorkflowRun, error) {
	ending, ok := args[0].(flow.Ending)
	if !ok || kind != flow.FinishName || o.ID != flow.FinishID(ending.Run) || o.TaskQueue != flow.TaskQueue {
		return nil, errors.New("another workflow")
	}
	k.started = append(k.started, ending)
	return nil, nil
}

func open(first string) *workflowpb.WorkflowExecutionInfo {
	return &workflowpb.WorkflowExecutionInfo{FirstRunId: first}
}

func ended(first string) *workflowpb.WorkflowExecutionInfo {
	return &workflowpb.WorkflowExecutionInfo{FirstRunId: first, Status: enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED}
}

// looking looks for pending notices, for a time on a clock that does not wait.
func looking(t *testing.T, d time.Duration, store *debtor, temporal *keeper) (log string) {
	t.Helper()
	return lookingWith(t, d, store, temporal, newMeter())
}

func lookingWith(t *testing.T, d time.Duration, store *debtor, temporal *keeper, m meter) (log string) {
	t.Helper()
	var lines bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		c := Config{TaskQueue: flow.TaskQueue, Store: store, Now: time.Now, Log: zerolog.New(&lines), Temporal: client.Options{Namespace: "harbor", MetricsHandler: m}}
		stop := c.payOwed(t.Context(), temporal)
		time.Sleep(d)
		stop()
	})
	return lines.String()
}

// security 18: the owner is notified although a run was terminated. A run that notifies by itself
// is left alone, however long the mail server is down.
func TestOwedNoticesAreFollowed(t *testing.T) {
	t.Parallel()
	follows := []flow.Ending{{Workflow: resetID, Run: "a"}}
	type runs = map[string]*workflowpb.WorkflowExecutionInfo
	for name, tc := range map[string]struct {
		runs runs
		now  string
		want []flow.Ending
	}{
		"open":                          {runs{"a": open("a")}, "a", nil},
		"terminated":                    {runs{"a": ended("a")}, "a", follows},
		"terminated before another one": {runs{"a": ended("a"), "b": open("b")}, "b", follows},
		"reset":                         {runs{"a": ended("a"), "b": open("a")}, "b", nil},
		"reset and terminated":          {runs{"a": ended("a"), "b": ended("a")}, "b", follows},
		"no longer kept":                {runs{"b": open("b")}, "b", []flow.Ending{{Run: "a"}}},
	} {
		k := &keeper{runs: tc.runs, now: tc.now}
		log := looking(t, time.Second, &debtor{runs: []string{"a"}}, k)
		if diff := cmp.Diff(tc.want, k.started); diff != "" || log != "" {
			t.Errorf("%s: log %q, started (-want +got):\n%s", name, log, diff)
		}
	}
}

// A worker looks twice a minute or a little later, not at the same time as others. It leaves a run
// its time.
func TestOwedNoticesAreLookedForOften(t *testing.T) {
	t.Parallel()
	d := &debtor{}
	looking(t, time.Hour, d, &keeper{})
	if len(d.at) < 80 || len(d.at) > 120 {
		t.Errorf("%d looks in an hour", len(d.at))
	}
	pauses := map[time.Duration]bool{}
	for i := range d.at[1:] {
		pauses[d.at[i+1].Sub(d.at[i])] = true
	}
	if len(pauses) < len(d.at)/2 {
		t.Error("the pauses are alike")
	}
	if d.age[0] != owedAfter {
		t.Errorf("changes from before %s", d.age[0])
	}
}

// Failures are logged and retried. One run keeps no other from being examined.
func TestOwedNoticesThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	k := &keeper{err: errors.New("visibility is away")}
	log := looking(t, 100*time.Second, &debtor{runs: []string{"a", "b"}}, k)
	if strings.Count(log, "visibility is away") < 4 {
		t.Errorf("log: %s", log)
	}
	d := &debtor{err: errors.New("disk full")}
	if log := looking(t, 50*time.Second, d, k); !strings.Contains(log, "disk full") || len(d.at) != 2 {
		t.Errorf("%d looks, log: %s", len(d.at), log)
	}
}

// A notice that is neither delivered nor given up is reported to operators, also while its run
// goes on. The gauge is there before the first look.
func TestOverdueNotices(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		store debtor
		want  float64
	}{
		"nothing is owed":     {debtor{}, 0},
		"in time":             {debtor{runs: []string{"a", "b"}, old: overdueAfter - owedAfter - 1}, 0},
		"overdue":             {debtor{runs: []string{"a", "b"}, old: overdueAfter - owedAfter}, 2},
		"one of two was told": {debtor{runs: []string{"a", "b"}, old: overdueAfter, told: map[string]bool{"a": true}}, 1},
		"each told somebody":  {debtor{runs: []string{"a"}, old: overdueAfter, told: map[string]bool{"a": true}}, 0},
		"behind many":         {debtor{runs: []string{"a"}, old: overdueAfter, new: slices.Repeat([]string{"b"}, owedMost)}, 1},
		"not known":           {debtor{err: errors.New("disk full")}, 0},
		"one cannot be read":  {debtor{err: errors.New("damaged"), runs: []string{"a"}, old: overdueAfter}, 1},
	} {
		m := newMeter()
		k := &keeper{runs: map[string]*workflowpb.WorkflowExecutionInfo{"a": open("a")}, now: "a"}
		log := lookingWith(t, time.Second, &tc.store, k, m)
		if m.last[0] != 0 || m.last[len(m.last)-1] != tc.want {
			t.Errorf("%s: the gauge said %v, want %v last", name, m.last, tc.want)
		}
		if said := strings.Contains(log, "owners were not notified"); said != (tc.want > 0) {
			t.Errorf("%s: log %s", name, log)
		}
	}
}

// A foreign workflow under the ID of the following run is not mistaken for it.
func TestSomethingElseFollowsARun(t *testing.T) {
	t.Parallel()
	k := &keeper{runs: map[string]*workflowpb.WorkflowExecutionInfo{"a": ended("a")}, now: "a", foreign: true}
	log := looking(t, time.Second, &debtor{runs: []string{"a"}}, k)
	if !strings.Contains(log, "finish/a is not of type FinishReset") || !strings.Contains(log, `"level":"error"`) {
		t.Errorf("log: %s", log)
	}
}
