package belong

import (
	"context"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/workflow"
)

const (
	// pollFor is how long a process asks for the task that never comes before it asks again.
	pollFor = 15 * time.Second
	// heard is how long ago a process was last heard of that is taken to be there: two polls.
	heard = 2 * pollFor
	// polls is the same for a worker that says nothing of itself, as those before 0.3 do. The
	// SDK's polls last a minute.
	polls = 90 * time.Second
)

// Temporal is what is asked of a client.
type Temporal interface {
	DescribeTaskQueue(ctx context.Context, queue string, kind enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error)
	WorkflowService() workflowservice.WorkflowServiceClient
}

var _ Temporal = client.Client(nil)

// present lists the processes of a task queue that were heard of lately.
func present(ctx context.Context, temporal Temporal, queue string) (marks []Mark, err error) {
	found, err := temporal.DescribeTaskQueue(ctx, workflow.PeersQueue(queue), enumspb.TASK_QUEUE_TYPE_ACTIVITY)
	for _, p := range found.GetPollers() {
		if m, ours := parse(p.GetIdentity()); ours && fresh(p, heard) {
			marks = append(marks, m)
		}
	}
	return marks, err
}

func fresh(p *taskqueuepb.PollerInfo, within time.Duration) bool {
	return time.Since(p.GetLastAccessTime().AsTime()) < within
}

// worked reports whether anybody takes the runs of a task queue.
func worked(ctx context.Context, temporal Temporal, queue string, marks []Mark) (bool, error) {
	if slices.ContainsFunc(marks, func(m Mark) bool { return m.Role == Worker }) {
		return true, nil
	}
	found, err := temporal.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	return slices.ContainsFunc(found.GetPollers(), func(p *taskqueuepb.PollerInfo) bool { return fresh(p, polls) }), err
}

// Look says what does not belong together among the processes of a task queue and whoever
// asks: a *[Mismatch], or nil. Any other error means that Temporal does not tell.
func Look(ctx context.Context, temporal Temporal, namespace, queue string, asking ...Mark) error {
	marks, err := present(ctx, temporal, queue)
	if err != nil {
		return err
	}
	there, err := worked(ctx, temporal, queue, marks)
	if err != nil {
		return err
	}
	reasons := compare(asking, marks)
	if len(reasons) == 0 {
		reasons = compare(marks, marks)
	}
	if !there {
		reasons = append(reasons, noWorker(namespace, queue))
	}
	return mismatch(reasons)
}

func noWorker(namespace, queue string) string {
	return fmt.Sprintf("no worker polls task queue %s of namespace %s: requests and new passwords wait until one does", queue, namespace)
}
