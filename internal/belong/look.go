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

	"github.com/rekeyhq/rekey/flow"
)

const (
	// pollFor is the duration of a poll for the task that never comes.
	pollFor = 15 * time.Second
	// heard is how long ago a process was last heard of that is taken to be there: two polls.
	heard = 2 * pollFor
	// polls is the same for a worker that says nothing of itself, as those before 0.3 do. The
	// SDK's polls last a minute.
	polls = 90 * time.Second
)

// Temporal is the used part of a client.
type Temporal interface {
	DescribeTaskQueue(ctx context.Context, queue string, kind enumspb.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error)
	WorkflowService() workflowservice.WorkflowServiceClient
}

var _ Temporal = client.Client(nil)

// present lists the processes of a task queue that were heard of lately, and the time at
// Temporal.
func present(ctx context.Context, temporal Temporal, queue string) (marks []Mark, now time.Time, err error) {
	found, err := temporal.DescribeTaskQueue(ctx, flow.PeersQueue(queue), enumspb.TASK_QUEUE_TYPE_ACTIVITY)
	now = newest(found.GetPollers())
	for _, p := range found.GetPollers() {
		if m, ours := parse(p.GetIdentity()); ours && fresh(p, now, heard) {
			marks = append(marks, m)
		}
	}
	return marks, now, err
}

// newest is when Temporal last heard of a process. A process that polls was heard of a poll
// ago at most, so it needs no clock of its own, which may be wrong. A caller that does not
// poll counts the last pollers until Temporal forgets them, after five minutes.
func newest(pollers []*taskqueuepb.PollerInfo) (at time.Time) {
	for _, p := range pollers {
		if t := p.GetLastAccessTime().AsTime(); t.After(at) {
			at = t
		}
	}
	return at
}

func fresh(p *taskqueuepb.PollerInfo, now time.Time, within time.Duration) bool {
	return now.Sub(p.GetLastAccessTime().AsTime()) < within
}

// worked reports whether any worker takes the runs of a task queue.
func worked(ctx context.Context, temporal Temporal, queue string, marks []Mark, now time.Time) (bool, error) {
	if slices.ContainsFunc(marks, func(m Mark) bool { return m.Role == Worker }) {
		return true, nil
	}
	found, err := temporal.DescribeTaskQueue(ctx, queue, enumspb.TASK_QUEUE_TYPE_WORKFLOW)
	if last := newest(found.GetPollers()); last.After(now) {
		now = last
	}
	return slices.ContainsFunc(found.GetPollers(), func(p *taskqueuepb.PollerInfo) bool { return fresh(p, now, polls) }), err
}

// Look compares the marks of the processes of a task queue and of the caller. It returns a
// *[Mismatch], or nil. Any other error means that Temporal does not answer.
func Look(ctx context.Context, temporal Temporal, namespace, queue string, asking ...Mark) error {
	marks, now, err := present(ctx, temporal, queue)
	if err != nil {
		return err
	}
	there, err := worked(ctx, temporal, queue, marks, now)
	if err != nil {
		return err
	}
	marks, more := distinct(marks)
	reasons := compare(asking, marks)
	if len(reasons) == 0 {
		reasons = compare(marks, marks)
	}
	if more {
		reasons = append(reasons, tooMany)
	}
	if !there {
		reasons = append(reasons, noWorker(namespace, queue))
	}
	return mismatch(reasons)
}

func noWorker(namespace, queue string) string {
	return fmt.Sprintf("no worker polls task queue %s of namespace %s: requests and new passwords wait until one does", queue, namespace)
}
