package e2e

import (
	"strings"
	"sync"
	"syscall"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/password"
)

// Two builds whose workflows cannot read each other's runs work side by side. The first ends
// its own runs. New ones go to the second, also while it ramps and when they follow a run of
// the first. After a roll-back they go to the first. A build without runs may go.
func TestRollout(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	r := newRollout(t)
	old, late, fresh := r.People[0], r.People[1], r.People[2]
	first := r.versioned(t, "one")
	r.makeCurrent(t, "one")
	r.Forgot(t, late)
	lateToken := r.Token(t, late, 1)

	r.versioned(t, "two")
	r.ramp(t, "two")
	r.Forgot(t, fresh)
	r.use(t, r.Token(t, fresh, 1))
	r.ends(t, fresh, "", "two", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	r.makeCurrent(t, "two")

	r.makeCurrent(t, "one")
	r.Forgot(t, old)
	oldToken := r.Token(t, old, 1)
	r.makeCurrent(t, "two")

	lateRun := r.run(t, late, "").GetExecution().GetRunId()
	r.asksTooLate(t, late, lateToken)
	r.ends(t, late, lateRun, "one", enumspb.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW)
	r.use(t, r.Token(t, late, 3)) // after the link and the notice of the run before
	r.ends(t, late, "", "two", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)

	// Temporal has looked, and one run is still open: the first build is not to go.
	process.Eventually(t, patience, "a look for open runs", func() bool {
		d := r.drainage(t, "one")
		return d.LastCheckedTime.After(d.LastChangedTime)
	})
	if got := r.drainage(t, "one").DrainageStatus; got != client.WorkerDeploymentVersionDrainageStatusDraining {
		t.Errorf("drainage with an open run: %v", got)
	}
	r.open(t, "one", 1)
	r.use(t, oldToken)
	r.ends(t, old, "", "one", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	process.Eventually(t, patience, "the first build drained", func() bool {
		return r.drainage(t, "one").DrainageStatus == client.WorkerDeploymentVersionDrainageStatusDrained
	})
	r.open(t, "one", 0)
	first.Signal(t, syscall.SIGTERM)
	if code := first.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.changed(t, "one", map[string]bool{old.ID: true, late.ID: true, fresh.ID: false})

	r.Forgot(t, old)
	r.use(t, r.Token(t, old, 3))
	r.ends(t, old, "", "two", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED)
}

// ramp gives a build all new resets while another one is current, and waits until it has
// effect.
func (r *rollout) ramp(t *testing.T, build string) {
	t.Helper()
	const all = 100
	handle := r.temporal.WorkerDeploymentClient().GetHandle(deployment)
	process.Eventually(t, patience, "build "+build+" ramps", func() bool {
		_, err := handle.SetRampingVersion(t.Context(), client.WorkerDeploymentSetRampingVersionOptions{BuildID: build, Percentage: all})
		if err != nil {
			t.Log(err) // Temporal learns of a worker with its first poll
			return false
		}
		queue, err := r.temporal.DescribeTaskQueue(t.Context(), flow.TaskQueue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
		routing := queue.GetVersioningInfo()
		return err == nil && routing.GetRampingDeploymentVersion().GetBuildId() == build && routing.GetRampingVersionPercentage() == all
	})
}

// asksTooLate requests another link when the password is changed and the notice is being sent.
func (r *rollout) asksTooLate(t *testing.T, who account.Account, token string) {
	t.Helper()
	telling, told := make(chan struct{}), make(chan struct{})
	tell := sync.OnceFunc(func() { close(telling) })
	r.Mail.Fail(func(m inbox.Message) error {
		if m.To[0].Address == who.Address && !resetLink.MatchString(m.Text) {
			tell()
			<-told
		}
		return nil
	})
	r.use(t, token)
	process.Happens(t, patience, telling, "the notice")
	process.Eventually(t, patience, "the request in the run", func() bool { // after the starter's cool-down
		r.Forgot(t, who)
		signals := 0
		for e := range r.history(t, who, "") {
			if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED {
				signals++
			}
		}
		return signals > 1 // one came with the start
	})
	r.Mail.Fail(nil)
	close(told)
}

// changed checks whose password a build has changed, in its closed store.
func (r *rollout) changed(t *testing.T, build string, want map[string]bool) {
	t.Helper()
	store, err := bolt.Open(r.stores[build])
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for id, want := range want {
		now, err := store.Account(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := password.Verify(now.Credential, newPassword); got != want || err != nil {
			t.Errorf("build %s has changed the password of %s: %v, want %v: %v", build, id, got, want, err)
		}
	}
}

// Without versions the same two builds do not go together: the second cannot replay runs of the
// first. Nothing is lost, and the first can end them.
func TestUnversionedBuildCannotReplay(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	r := newRollout(t)
	who := r.People[0]
	r.stores["two"] = r.stores["one"] // one after the other
	first := r.worker(t, "one")
	r.Forgot(t, who)
	token := r.Token(t, who, 1)
	first.Signal(t, syscall.SIGTERM)
	first.Exit(t)

	second := r.worker(t, "two")
	r.Submit(t, token, newPassword)
	process.Eventually(t, patience, "a failed replay", func() bool {
		for e := range r.history(t, who, "") {
			failed := e.GetWorkflowTaskFailedEventAttributes()
			if failed.GetCause() == enumspb.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR {
				return true
			}
		}
		return false
	})
	second.Signal(t, syscall.SIGTERM)
	second.Exit(t)

	r.worker(t, "one")
	r.Insist(t, token, newPassword)
	process.Eventually(t, patience, "the end of the run", func() bool {
		return r.run(t, who, "").GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
	})
}

// A worker whose operator forgot the deployment reports that it gets nothing.
func TestUnversionedWorkerBesideADeployment(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	r := newRollout(t)
	r.versioned(t, "one")
	r.makeCurrent(t, "one")
	forgotten := r.worker(t, "two")
	line := forgotten.Await(t, forgotten.Err, "new resets go to build one of deployment rekey and not to this worker")
	if !strings.Contains(line, `"level":"warn"`) {
		t.Error(line)
	}
}
