package e2e

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/overlay"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

const deployment = "rekey"

// mailBeforeWaiting is an overlay for a build whose workflow mails the link first and then
// waits for its use. It cannot continue runs of the original.
func mailBeforeWaiting(t *testing.T) string {
	t.Helper()
	const engine, in = "../../flow", "MailFirstLink"
	list, err := overlay.Write(t.TempDir(),
		overlay.Change{Package: engine, In: in, Node: "ExprStmt(openWait)", With: ""},
		overlay.Change{Package: engine, In: in, Node: "ExprStmt(sendLink)", With: "$\n{r}.openWait({ctx})"})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// rollout is a site where a build follows another.
type rollout struct {
	*site.Site
	temporal client.Client
	next     string // the program of the second build
	stores   map[string]string
}

// newRollout makes a site where a starter runs and no worker does. A bbolt file is of one
// worker, so each build has its own, with the same accounts. The file with a change shows whose
// activities made it.
func newRollout(t *testing.T) *rollout {
	t.Helper()
	s := site.New(t)
	r := &rollout{Site: s, next: filepath.Join(s.Dir, "rekey-two"), stores: map[string]string{
		"one": s.File(), "two": filepath.Join(s.Dir, "two.db"),
	}}
	site.Build(t, r.next, "-overlay", mailBeforeWaiting(t))
	store, err := bolt.Open(r.stores["two"])
	if err != nil {
		t.Fatal(err)
	}
	if err := store.PutMany(t.Context(), s.People); err != nil {
		t.Fatal(err)
	}
	store.Close()
	s.Run(t, 0, "setup")
	s.Starter(t, "REKEY_COOL_DOWN=1s", "REKEY_CLIENT_LIMIT=0") // a test sends many requests
	r.temporal = s.Dial(t)
	return r
}

// worker starts a worker of a build.
func (r *rollout) worker(t *testing.T, build string, env ...string) *process.Process {
	t.Helper()
	of := *r.Site
	if build == "two" {
		of.Path = r.next
	}
	return of.Worker(t, append(env, "REKEY_STORE="+r.stores[build])...)
}

// versioned starts a worker of a build of the deployment, which gets no resets yet.
func (r *rollout) versioned(t *testing.T, build string) *process.Process {
	t.Helper()
	p := r.worker(t, build, "REKEY_DEPLOYMENT="+deployment, "REKEY_BUILD_ID="+build)
	p.Await(t, p.Err, "temporal worker deployment set-current-version --deployment-name rekey --build-id "+build)
	return p
}

// makeCurrent runs the command of that line, and waits until it has effect.
func (r *rollout) makeCurrent(t *testing.T, build string) {
	t.Helper()
	handle := r.temporal.WorkerDeploymentClient().GetHandle(deployment)
	process.Eventually(t, patience, "current build "+build, func() bool {
		_, err := handle.SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build})
		if err != nil {
			t.Log(err) // Temporal learns of a worker with its first poll
			return false
		}
		queue, err := r.temporal.DescribeTaskQueue(t.Context(), flow.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
		return err == nil && queue.GetVersioningInfo().GetCurrentDeploymentVersion().GetBuildId() == build
	})
}

// drainage is Temporal's state of a build's open runs, and the time of its last look.
func (r *rollout) drainage(t *testing.T, build string) client.WorkerDeploymentVersionDrainageInfo {
	t.Helper()
	handle := r.temporal.WorkerDeploymentClient().GetHandle(deployment)
	v, err := handle.DescribeVersion(t.Context(), client.WorkerDeploymentDescribeVersionOptions{BuildID: build})
	if err != nil || v.Info.DrainageInfo == nil {
		t.Fatalf("drainage of build %s: %+v, %v", build, v, err)
	}
	return *v.Info.DrainageInfo
}

// open waits until a build has so many open runs, as an operator counts them.
func (r *rollout) open(t *testing.T, build string, want int64) {
	t.Helper()
	query := "TemporalWorkerDeploymentVersion = '" + deployment + ":" + build + "' AND ExecutionStatus = 'Running'"
	process.Eventually(t, patience, "the count of open runs", func() bool {
		n, err := r.temporal.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Namespace: client.DefaultNamespace, Query: query})
		return err == nil && n.GetCount() == want
	})
}

// run describes a run of a person, the newest without a run ID.
func (r *rollout) run(t *testing.T, who account.Account, runID string) *workflowpb.WorkflowExecutionInfo {
	t.Helper()
	d, err := r.temporal.DescribeWorkflowExecution(t.Context(), r.id(t, who), runID)
	if err != nil {
		t.Fatal(err)
	}
	return d.GetWorkflowExecutionInfo()
}

func (r *rollout) id(t *testing.T, who account.Account) string {
	t.Helper()
	accounts, err := keys.Open(r.Keys()).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	return workflow.ResetPassword.ID(accounts.Key(who.Address))
}

// ends waits for the end of a run and checks its outcome. The run must be pinned to one build,
// which did all of it.
func (r *rollout) ends(t *testing.T, who account.Account, runID, build string, want enumspb.WorkflowExecutionStatus) {
	t.Helper()
	process.Eventually(t, patience, "the end of the run of "+who.ID, func() bool {
		return r.run(t, who, runID).GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
	})
	info := r.run(t, who, runID)
	if info.GetStatus() != want {
		t.Errorf("the run of %s ended %s, want %s", who.ID, info.GetStatus(), want)
	}
	if v := info.GetVersioningInfo(); v.GetBehavior() != enumspb.VERSIONING_BEHAVIOR_PINNED || v.GetDeploymentVersion().GetBuildId() != build {
		t.Errorf("the run of %s is of %v, want build %s, pinned", who.ID, v, build)
	}
	builds := map[string]bool{}
	for e := range r.history(t, who, runID) {
		if done := e.GetWorkflowTaskCompletedEventAttributes(); done != nil {
			builds[done.GetDeploymentVersion().GetBuildId()] = true
		}
	}
	if got := slices.Sorted(maps.Keys(builds)); !slices.Equal(got, []string{build}) {
		t.Errorf("builds %v worked on the run of %s, want %s", got, who.ID, build)
	}
}

func (r *rollout) history(t *testing.T, who account.Account, runID string) func(yield func(*historypb.HistoryEvent) bool) {
	t.Helper()
	events := r.temporal.GetWorkflowHistory(t.Context(), r.id(t, who), runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	return func(yield func(*historypb.HistoryEvent) bool) {
		for events.HasNext() {
			e, err := events.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !yield(e) {
				return
			}
		}
	}
}

// use submits a password and hears that it is changed.
func (r *rollout) use(t *testing.T, token string) {
	t.Helper()
	r.Insist(t, token, newPassword)
}
