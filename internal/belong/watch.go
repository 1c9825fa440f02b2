package belong

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/rekeyhq/rekey/workflow"
)

const (
	// lookEvery is how often a process looks for the others, and lookWait how long it waits for
	// the answer.
	lookEvery = 4 * time.Second
	lookWait  = 3 * time.Second
)

// Watch is what a process needs to look for the others.
type Watch struct {
	Temporal  Temporal
	Namespace string
	Queue     string
	Self      Mark
	Log       zerolog.Logger
	// Tell is told what Look says, each time that it changes; nil tells nobody.
	Tell func(error)
}

// Start says to the others that this process is there, looks for them, and writes into the
// log what does not belong together, until stop is called.
func (w Watch) Start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var both sync.WaitGroup
	both.Go(func() { w.say(ctx) })
	both.Go(func() { w.look(ctx) })
	return func() {
		cancel()
		both.Wait()
	}
}

// say polls for a task that never comes. One that a stranger schedules is left to time out.
func (w Watch) say(ctx context.Context) {
	for ctx.Err() == nil {
		poll, cancel := context.WithTimeout(ctx, pollFor)
		began := time.Now()
		_, err := w.Temporal.WorkflowService().PollActivityTaskQueue(poll, &workflowservice.PollActivityTaskQueueRequest{
			Namespace: w.Namespace,
			TaskQueue: &taskqueuepb.TaskQueue{Name: workflow.PeersQueue(w.Queue), Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
			Identity:  w.Self.String(),
		})
		cancel()
		if err != nil || time.Since(began) < time.Second {
			pause(ctx, lookEvery)
		}
	}
}

// look says that there is no worker when it is so twice in a row: one may start a moment later.
func (w Watch) look(ctx context.Context) {
	var said, before string
	for ; ctx.Err() == nil; pause(ctx, lookEvery) {
		limited, cancel := context.WithTimeout(ctx, lookWait)
		found := Look(limited, w.Temporal, w.Namespace, w.Queue, w.Self)
		cancel()
		wrong, known := errors.AsType[*Mismatch](found)
		if found != nil && !known {
			continue // whether Temporal answers is told elsewhere
		}
		now := text(wrong)
		first := now == noWorker(w.Namespace, w.Queue) && before != now
		before = now
		if first || now == said {
			continue
		}
		said = now
		w.tell(wrong)
	}
}

func text(m *Mismatch) string {
	if m == nil {
		return ""
	}
	return m.Error()
}

func (w Watch) tell(wrong *Mismatch) {
	var err error
	if wrong != nil {
		err = wrong
		w.Log.Error().Strs("reasons", wrong.Reasons).Str("task_queue", w.Queue).Msg("processes do not belong together")
	} else {
		w.Log.Info().Str("task_queue", w.Queue).Msg("all processes of the task queue belong together again")
	}
	if w.Tell != nil {
		w.Tell(err)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
