package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	sdk "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/web"
)

const (
	floorQueue = "floor"
	floorName  = "Floor"
	floorStep  = "Step"
	floorAsk   = "done"
	// floorSteps is how many activities a reset has: the wait, two mails, the change.
	floorSteps = 4
)

func quiet() log.Logger { return log.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

// floorRun does as many activities as a reset, one after the other, that do nothing, and
// answers an Update when they are done.
func floorRun(ctx workflow.Context) error {
	done := false
	err := workflow.SetUpdateHandler(ctx, floorAsk, func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return done })
	})
	if err != nil {
		return err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	for range floorSteps {
		if err := workflow.ExecuteActivity(ctx, floorStep).Get(ctx, nil); err != nil {
			return err
		}
	}
	done = true
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

func doNothing(context.Context) error { return nil }

// runFloor is a worker with the settings of rekey's that matter to speed.
func runFloor(ctx context.Context, r role, ready func()) error {
	c, err := client.DialContext(ctx, r.client())
	if err != nil {
		return err
	}
	defer c.Close()
	sdk.SetStickyWorkflowCacheSize(cachedRuns)
	w := sdk.New(c, floorQueue, sdk.Options{})
	w.RegisterWorkflowWithOptions(floorRun, workflow.RegisterOptions{Name: floorName})
	w.RegisterActivityWithOptions(doNothing, activity.RegisterOptions{Name: floorStep})
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	ready()
	<-ctx.Done()
	return nil
}

// askFloor starts a run and waits for its answer.
func askFloor(ctx context.Context, c client.Client, id string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: floorQueue}, floorName)
	if err != nil {
		return err
	}
	update, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
		WorkflowID: id, RunID: run.GetRunID(), UpdateName: floorAsk, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	if err != nil {
		return err
	}
	return update.Get(ctx, nil)
}

// floor is the time of one run of the floor.
func (s *site) floor(ctx context.Context) (time.Duration, error) {
	id := "floor/" + rand.Text()
	return timed(func(ctx context.Context) error { return askFloor(ctx, s.direct, id) })(ctx)
}

// runNothing serves, as the starter is served, a handler that does nothing.
func runNothing(ctx context.Context, r role, ready func()) error {
	listener, err := net.Listen("tcp", strings.TrimPrefix(r.Idle, "http://"))
	if err != nil {
		return err
	}
	moreThreads()
	ready()
	return web.Serve(ctx, listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), zerolog.Nop())
}
