package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
)

// ErrNoRun means that Temporal has no such run, or its retention is over.
var ErrNoRun error = noRun("Temporal keeps no run of this account")

// noRun is an ErrNoRun with a text of its own.
type noRun string

func (n noRun) Error() string { return string(n) }

func (noRun) Is(target error) bool { return target == ErrNoRun }

const (
	// effectWait is how long a call waits for a worker. By then its command is durable, so a call
	// that waits no longer loses nothing.
	effectWait = 10 * time.Second
	effectLook = 200 * time.Millisecond
)

// Find returns the newest runs of an account, of each flow limit at most. The runs of a flow are
// together, the newest first, and the flow of the newest run is the first. Errors: ErrNoRun,
// account.ErrAddress.
func (c *Client) Find(ctx context.Context, address string, limit int) ([]Run, error) {
	newest, err := c.newest(ctx, address)
	if err != nil {
		return nil, err
	}
	var found []Run
	for _, r := range newest {
		earlier, err := c.earlier(ctx, r, limit-1)
		if err != nil {
			return nil, err
		}
		found = append(append(found, r), earlier...)
	}
	return found, nil
}

// newest are the newest runs of an account, one of each flow that has any, the newest first. Errors:
// ErrNoRun, account.ErrAddress.
func (c *Client) newest(ctx context.Context, address string) (found []Run, err error) {
	key, err := c.accountKey(address)
	if err != nil {
		return nil, err
	}
	for _, d := range c.flows() {
		r, err := c.find(ctx, target{workflowID: d.ID(key)})
		if errors.Is(err, ErrNoRun) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	if len(found) == 0 {
		return nil, ErrNoRun
	}
	slices.SortStableFunc(found, newestFirst)
	return found, nil
}

func newestFirst(a, b Run) int { return cmp.Compare(b.Started.Unix(), a.Started.Unix()) }

// earlier are other runs of the workflow ID of a run, limit at most, the newest first.
func (c *Client) earlier(ctx context.Context, newest Run, limit int) (found []Run, err error) {
	listed, err := c.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: c.namespace, PageSize: int32(min(limit+1, runsPerPage)), //nolint:gosec // small
		Query: fmt.Sprintf("WorkflowId = '%s'", newest.WorkflowID),
	})
	if err != nil {
		return nil, err
	}
	for _, e := range listed.GetExecutions() {
		run := e.GetExecution().GetRunId()
		if run == newest.RunID || len(found) >= limit {
			continue
		}
		r, err := c.find(ctx, target{newest.WorkflowID, run})
		if errors.Is(err, ErrNoRun) { // its retention is over, and the list lags behind
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	slices.SortStableFunc(found, newestFirst)
	return found, nil
}

// find reads a run. Errors: ErrNoRun.
func (c *Client) find(ctx context.Context, t target) (Run, error) {
	d, ok := c.flowOf(t.workflowID)
	if !ok {
		return Run{}, ErrNoRun
	}
	now, err := c.temporal.DescribeWorkflowExecution(ctx, t.workflowID, t.runID)
	if errors.As(err, new(*serviceerror.NotFound)) {
		return Run{}, ErrNoRun
	}
	if err != nil {
		return Run{}, err
	}
	info := now.GetWorkflowExecutionInfo()
	t.runID = info.GetExecution().GetRunId()
	s := newStory(d, c.open)
	events := c.temporal.GetWorkflowHistory(ctx, t.workflowID, t.runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return Run{}, fmt.Errorf("history of run %s: %w", t.runID, err)
		}
		s.read(e)
	}
	r := s.summary(t)
	r.Paused = info.GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_PAUSED
	if r.Open && s.waiting {
		r.mailing(now.GetPendingActivities())
	}
	return r, nil
}

// lookUntil reads a run until it is as wanted, or until effectWait is over.
func (c *Client) lookUntil(ctx context.Context, t target, is func(Run) bool) (Run, error) {
	again := time.NewTicker(effectLook)
	defer again.Stop()
	for late := time.After(effectWait); ; {
		r, err := c.find(ctx, t)
		if err != nil || is(r) {
			return r, err
		}
		select {
		case <-again.C:
		case <-late:
			return r, nil
		case <-ctx.Done():
			return r, ctx.Err()
		}
	}
}
