package main

import (
	"context"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
)

// until waits until the newest run's history is as wanted.
func (o *owner) until(ctx context.Context, is func(*historypb.History) bool) error {
	return poll(ctx, func() (bool, error) {
		h, err := o.history(ctx, "")
		return err == nil && is(h), err
	})
}

// poll asks until what is asked for is so.
func poll(ctx context.Context, is func() (bool, error)) error {
	again := time.NewTicker(pause)
	defer again.Stop()
	for {
		if so, err := is(); err != nil || so {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// heard waits until the run has no workflow task before it, and so has done all that what
// came until now made it do.
func (o *owner) heard(ctx context.Context) error {
	return o.until(ctx, func(h *historypb.History) bool {
		over := count(h, enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED) + count(h, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED) +
			count(h, enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT)
		return over == count(h, enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)
	})
}

// retries waits until an activity of the newest run has failed and is tried again.
func (o *owner) retries(ctx context.Context, activity string) error {
	return poll(ctx, func() (bool, error) {
		run, err := o.temporal.DescribeWorkflowExecution(ctx, o.workflow, "")
		return slices.ContainsFunc(run.GetPendingActivities(), func(a *workflowpb.PendingActivityInfo) bool {
			return a.GetActivityType().GetName() == activity && a.GetAttempt() > 1
		}), err
	})
}

// ended waits for the end of the newest run and returns it with those that it continues,
// the first one first.
func (o *owner) ended(ctx context.Context) ([]*historypb.History, error) {
	if err := o.until(ctx, isOver); err != nil {
		return nil, err
	}
	var runs []*historypb.History
	for id := ""; ; {
		h, err := o.history(ctx, id)
		if err != nil {
			return nil, err
		}
		runs = append(runs, h)
		if id = h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(); id == "" {
			slices.Reverse(runs)
			return runs, nil
		}
	}
}

func isOver(h *historypb.History) bool {
	switch h.GetEvents()[len(h.GetEvents())-1].GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
		return true
	default:
		return false // also one that continued: the run that it continued as is the newest
	}
}

func (o *owner) history(ctx context.Context, run string) (*historypb.History, error) {
	h := &historypb.History{}
	events := o.temporal.GetWorkflowHistory(ctx, o.workflow, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, err
		}
		h.Events = append(h.Events, e)
	}
	return h, nil
}

const timerStarted = enumspb.EVENT_TYPE_TIMER_STARTED

func count(h *historypb.History, kind enumspb.EventType) (n int) {
	for _, e := range h.GetEvents() {
		if e.GetEventType() == kind {
			n++
		}
	}
	return n
}
