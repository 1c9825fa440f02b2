package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
)

const (
	// owedEvery is how often a worker looks for notices without a run, and up to half of it more
	// by chance. So workers do not look at once.
	owedEvery = 30 * time.Second
	// owedAfter is how old a change is by then. Its own run notifies the owner within seconds.
	owedAfter = 30 * time.Second
	// owedWait bounds a look, and owedMost its size. Many notices are pending while a mail server
	// is down, with runs that send them.
	owedWait = 30 * time.Second
	owedMost = 100
	// overdueAfter is the age of a change whose notice can be neither sent nor given up: a day,
	// and the time of the last attempts.
	overdueAfter  = flow.NoticeDay + 2*time.Hour
	overdueMetric = "rekey_notices_overdue"
)

// payOwed looks for pending notices until stop is called.
func (c Config) payOwed(ctx context.Context, temporal client.Client) (stop func()) {
	c.metrics().Gauge(overdueMetric).Update(0)
	ctx, cancel := context.WithCancel(ctx)
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			c.look(ctx, temporal)
			select {
			case <-time.After(owedEvery + rand.N(owedEvery/2)): //nolint:gosec // nobody gains by guessing it
			case <-ctx.Done():
				return
			}
		}
	})
	return func() {
		cancel()
		looking.Wait()
	}
}

// look starts FinishReset for each run that ended and left its notice pending.
func (c Config) look(ctx context.Context, temporal client.Client) {
	limited, cancel := context.WithTimeout(ctx, owedWait)
	defer cancel()
	err := c.tellOverdue(limited)
	owed, owedErr := c.Store.Owed(limited, c.Now().Add(-owedAfter), owedMost)
	err = errors.Join(err, owedErr)
	for _, n := range owed {
		err = errors.Join(err, c.pay(limited, temporal, n))
		if limited.Err() != nil {
			break
		}
	}
	if err != nil && ctx.Err() == nil {
		c.Log.Error().Err(err).Msg("notices of ended runs may be late; they are retried within a minute")
	}
}

// tellOverdue reports notices that neither arrive nor are given up. A client of Temporal may keep
// the workflows that should send them from running. It queries them alone: many pending notices
// may not be overdue.
func (c Config) tellOverdue(ctx context.Context) error {
	owed, err := c.Store.Owed(ctx, c.Now().Add(-overdueAfter), owedMost)
	if err != nil && len(owed) == 0 {
		return err
	}
	var overdue []string
	for _, n := range owed {
		if n.Told == 0 {
			overdue = append(overdue, n.Run)
		}
	}
	c.metrics().Gauge(overdueMetric).Update(float64(len(overdue)))
	if len(overdue) > 0 {
		c.Log.Error().Strs("runs", overdue).Msg("owners were not notified of a changed password for more than a day")
	}
	return err
}

func (c Config) pay(ctx context.Context, temporal client.Client, n account.Notice) error {
	workflowID, err := c.workflowOf(ctx, temporal, n.Run)
	if err != nil {
		return err
	}
	goesOn, err := activities.GoesOn(ctx, temporal, workflowID, n.Run)
	if errors.As(err, new(*serviceerror.NotFound)) {
		goesOn, err = false, nil
	}
	if err != nil || goesOn {
		return err
	}
	_, err = temporal.ExecuteWorkflow(ctx, flow.FinishOptions(n.Run, c.TaskQueue), flow.FinishName, flow.Ending{Workflow: workflowID, Run: n.Run})
	if err != nil {
		return err
	}
	return isFinish(ctx, temporal, flow.FinishID(n.Run))
}

// isFinish checks the workflow that follows a run. Anybody with access to Temporal can start
// another type under its workflow ID. The start then finds that one and leaves it alone.
func isFinish(ctx context.Context, temporal client.Client, id string) error {
	found, err := temporal.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return err
	}
	if found.GetWorkflowExecutionInfo().GetType().GetName() != flow.FinishName {
		return fmt.Errorf("the workflow %s is not of type %s: another program started it", id, flow.FinishName)
	}
	return nil
}

// workflowOf is the workflow ID of a run, "" when Temporal no longer keeps it. The store does not
// know it.
func (c Config) workflowOf(ctx context.Context, temporal client.Client, run string) (string, error) {
	found, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
		Namespace: c.Temporal.Namespace, PageSize: 1,
		Query: fmt.Sprintf("RunId = '%s'", run),
	})
	if err != nil || len(found.GetExecutions()) == 0 {
		return "", err
	}
	return found.GetExecutions()[0].GetExecution().GetWorkflowId(), nil
}
