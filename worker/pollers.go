package worker

import (
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	// drain is how long a stopping worker waits for activities in progress. A common SMTP
	// conversation fits; a longer one is cut and repeated.
	drain = 30 * time.Second
	// sticky is how long Temporal waits for the worker that has a run in its cache. After a crash
	// a submission waits so much longer: 1 s instead of 5.
	sticky = time.Second
	// conversations is how many mails a worker hands over at once.
	conversations = 1_000
)

// pollers poll Temporal, on a task queue each and with slots of their own. So a mail server that
// hangs takes the slots of mails, and a password is changed meanwhile.
type pollers struct {
	all    []worker.Worker
	broken chan error // why one of them can no longer poll
}

func (c Config) pollers(temporal client.Client, acts *activities.Activities) *pollers {
	p := &pollers{broken: make(chan error, 2)}
	options := c.options(p.broken)
	runs := worker.New(temporal, c.TaskQueue, options)
	for name, function := range workflow.Workflows() {
		runs.RegisterWorkflowWithOptions(function, sdk.RegisterOptions{Name: name})
	}
	for _, f := range c.Flows {
		runs.RegisterWorkflowWithOptions(f.Run, sdk.RegisterOptions{Name: f.Name})
	}
	acts.Register(runs)
	options.DisableWorkflowWorker = true
	options.MaxConcurrentActivityExecutionSize = conversations
	options.TaskQueueActivitiesPerSecond = c.MailRate
	mails := worker.New(temporal, flow.MailQueueOf(c.TaskQueue), options)
	acts.RegisterMails(mails)
	p.all = []worker.Worker{runs, mails}
	return p
}

// options are those of both. The number of pollers follows the load: with the SDK's two for
// workflow tasks, runs whose mails hang would block all others.
func (c Config) options(broken chan<- error) worker.Options {
	scaling := worker.NewPollerBehaviorAutoscaling(worker.PollerBehaviorAutoscalingOptions{})
	return worker.Options{
		WorkflowTaskPollerBehavior:   scaling,
		ActivityTaskPollerBehavior:   scaling,
		WorkerStopTimeout:            drain,
		StickyScheduleToStartTimeout: sticky,
		DeadlockDetectionTimeout:     flow.DeadlockAfter,
		MaxHeartbeatThrottleInterval: flow.Heartbeat,
		DeploymentOptions:            c.deployment(),
		OnFatalError:                 func(err error) { broken <- err },
	}
}

func (p *pollers) start() error {
	for n, w := range p.all {
		if err := w.Start(); err != nil {
			p.all = p.all[:n]
			p.stop()
			return err
		}
	}
	return nil
}

// stop lets all of them finish their work, in the time of one.
func (p *pollers) stop() {
	var stopping sync.WaitGroup
	for _, w := range p.all {
		stopping.Go(w.Stop)
	}
	stopping.Wait()
}
