package worker

import (
	"context"
	"math"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	countEvery = 30 * time.Second
	countWait  = 5 * time.Second
)

// openRuns has no label of the flow: Temporal groups by no type, and one query suffices.
var openRuns = workflow.AnyFlow() + " AND " + flow.OpenRuns

// countRuns keeps the gauge rekey_open_runs until stop is called. No worker can know the number by
// itself: starts and ends happen elsewhere too. So each worker queries Temporal, and all of them
// report the same.
func (c Config) countRuns(ctx context.Context, temporal client.Client) (stop func()) {
	if c.Temporal.MetricsHandler == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var counting sync.WaitGroup
	counting.Go(func() {
		tick := time.NewTicker(countEvery)
		defer tick.Stop()
		for ctx.Err() == nil {
			c.Temporal.MetricsHandler.Gauge("rekey_open_runs").Update(c.count(ctx, temporal))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return func() {
		cancel()
		counting.Wait()
	}
}

// count is NaN when Temporal does not answer: an old number would look like a current one.
func (c Config) count(ctx context.Context, temporal client.Client) float64 {
	ctx, cancel := context.WithTimeout(ctx, countWait)
	defer cancel()
	found, err := temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Namespace: c.Temporal.Namespace, Query: openRuns + " AND " + flow.InQueue(c.TaskQueue),
	})
	if err != nil {
		return math.NaN()
	}
	return float64(found.GetCount())
}
