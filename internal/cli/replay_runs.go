package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/replay"
)

const (
	runsPerPage = 200
	// download is how long one history may take, attempts of the SDK included.
	download = time.Minute
)

// runs are the results of a query.
type runs struct {
	temporal client.Client
	query    string
}

// count is about how many there are: some end or begin meanwhile.
func (r runs) count(ctx context.Context) (int64, error) {
	n, err := r.temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Query: r.query})
	if err != nil {
		return 0, fmt.Errorf("count the runs: %w", err)
	}
	return n.GetCount(), nil
}

// each calls use for every run, and waits while use does.
func (r runs) each(ctx context.Context, use func(*workflowpb.WorkflowExecutionInfo)) error {
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: r.query, PageSize: runsPerPage}
	for {
		page, err := r.temporal.ListWorkflow(ctx, request)
		if err != nil {
			return fmt.Errorf("list the runs: %w", err)
		}
		for _, run := range page.GetExecutions() {
			use(run)
		}
		request.NextPageToken = page.GetNextPageToken()
		if len(request.NextPageToken) == 0 {
			return nil
		}
	}
}

// errGone means that a run was deleted since it was listed.
var errGone = errors.New("the run is gone")

// history downloads all events of a run.
func (r runs) history(ctx context.Context, run *commonpb.WorkflowExecution) (*historypb.History, error) {
	ctx, cancel := context.WithTimeout(ctx, download)
	defer cancel()
	events := r.temporal.GetWorkflowHistory(ctx, run.GetWorkflowId(), run.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var h historypb.History
	for events.HasNext() {
		e, err := events.Next()
		if errors.As(err, new(*serviceerror.NotFound)) {
			return nil, errGone
		}
		if err != nil {
			return nil, fmt.Errorf("download a history: %w", err)
		}
		h.Events = append(h.Events, e)
	}
	return &h, nil
}

var errStopped = errors.New("stopped: not all runs were replayed")

// fill replays the runs, some at once, and holds no history longer than that takes. When it ends
// early, the report stays as it is.
func (r *report) fill(ctx context.Context, runs runs, replayer *replay.Replayer, parallel int, m *meter) error {
	defer m.end()
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	listed := runs.each(all, func(run *workflowpb.WorkflowExecutionInfo) {
		group.Go(func() error {
			warnings, err := runs.replay(all, run, replayer)
			if err == nil || isVerdict(err) {
				r.add(run, warnings, err)
				m.step()
				return nil
			}
			return err
		})
	})
	err := group.Wait()
	switch {
	case ctx.Err() != nil:
		err = errStopped
	case err == nil:
		err = listed
	}
	r.Partial = err != nil
	return err
}

func (r runs) replay(ctx context.Context, run *workflowpb.WorkflowExecutionInfo, replayer *replay.Replayer) (warnings []*replay.Divergence, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := r.history(ctx, run.GetExecution())
	if err != nil {
		return nil, err
	}
	return replayer.Check(h)
}

// isVerdict reports that an error is about one run. Any other ends the replay.
func isVerdict(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, replay.ErrKeys) || errors.Is(err, replay.ErrDamaged) ||
		errors.As(err, new(*replay.Divergence))
}
