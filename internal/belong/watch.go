package belong

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/rekeyhq/rekey/flow"
)

const (
	// lookEvery is how often a process looks for the others, and lookWait how long it waits for
	// the answer.
	lookEvery = 4 * time.Second
	lookWait  = 3 * time.Second
	// lookFirst is the time of the first look: Temporal knows the own poll then, and so tells
	// the time.
	lookFirst = 500 * time.Millisecond
)

// Watch is the configuration of a process that looks for the others.
type Watch struct {
	Temporal  Temporal
	Namespace string
	Queue     string
	Self      Mark
	Log       zerolog.Logger
	// Tell takes the result of Look, at first and after each change; nil is allowed. It is not
	// called until Temporal has answered once.
	Tell func(error)
}

// Start publishes the mark of this process and looks for others. It logs each mismatch until
// stop is called.
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

// say polls for a task that never comes. A foreign task is left to time out.
func (w Watch) say(ctx context.Context) {
	failed := failure{log: w.Log, message: "other processes do not see this one: its poll fails"}
	for ctx.Err() == nil {
		poll, cancel := context.WithTimeout(ctx, pollFor)
		began := time.Now()
		_, err := w.Temporal.WorkflowService().PollActivityTaskQueue(poll, &workflowservice.PollActivityTaskQueueRequest{
			Namespace: w.Namespace,
			TaskQueue: &taskqueuepb.TaskQueue{Name: flow.PeersQueue(w.Queue), Kind: enumspb.TASK_QUEUE_KIND_NORMAL},
			Identity:  w.Self.String(),
		})
		if poll.Err() == nil { // the poll timed out without an answer, or the process ends
			failed.is(err)
		}
		cancel()
		if err != nil || time.Since(began) < time.Second {
			pause(ctx, lookEvery)
		}
	}
}

// look says that there is no worker when it is so twice in a row: one may start a moment later.
func (w Watch) look(ctx context.Context) {
	var said, before string
	var told bool
	failed := failure{log: w.Log, message: "it is not known whether the processes belong together: a query to Temporal fails"}
	for pause(ctx, lookFirst); ctx.Err() == nil; pause(ctx, lookEvery) {
		limited, cancel := context.WithTimeout(ctx, lookWait)
		found := Look(limited, w.Temporal, w.Namespace, w.Queue, w.Self)
		cancel()
		wrong, known := errors.AsType[*Mismatch](found)
		if found != nil && !known {
			if ctx.Err() == nil {
				failed.is(found)
			}
			continue
		}
		failed.is(nil)
		now := text(wrong)
		first := now == noWorker(w.Namespace, w.Queue) && before != now
		before = now
		if first || told && now == said {
			continue
		}
		w.tell(wrong, told)
		said, told = now, true
	}
}

func text(m *Mismatch) string {
	if m == nil {
		return ""
	}
	return m.Error()
}

func (w Watch) tell(wrong *Mismatch, again bool) {
	var err error
	switch {
	case wrong != nil:
		err = wrong
		w.Log.Error().Strs("reasons", wrong.Reasons).Str("task_queue", w.Queue).Msg("processes do not belong together")
	case again:
		w.Log.Info().Str("task_queue", w.Queue).Msg("all processes of the task queue belong together again")
	}
	if w.Tell != nil {
		w.Tell(err)
	}
}

// failure logs an error once, until it changes or ends.
type failure struct {
	log     zerolog.Logger
	message string
	code    codes.Code
}

func (f *failure) is(err error) {
	code := serviceerror.ToStatus(err).Code()
	if code != f.code && code != codes.OK {
		f.log.Warn().Stringer("code", code).Msg(f.message)
	}
	f.code = code
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
