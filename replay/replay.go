// Package replay tells whether this build of the workflow still leads the runs of an
// earlier one. Temporal rebuilds a run by calling the workflow's code again with the run's
// history; code that then does something else than the history says fails the workflow
// task, again and again, and the run stands still. Here that happens to a copy of the
// history, with no server, before the code is deployed.
//
// The SDK's replayer decides whether a history diverges. What it leaves out, this package
// adds: at which event, and what the code does instead, in words that hold no payload.
package replay

import (
	"errors"
	"fmt"
	"log/slog"

	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// Replayer replays histories. It is safe for concurrent use.
type Replayer struct {
	codec   *keys.Codec
	options worker.WorkflowReplayerOptions
}

// New makes a replayer that opens payloads with codec, as the worker that ran the
// histories did.
func New(codec *keys.Codec) (*Replayer, error) {
	converter := keys.DataConverter(codec)
	r := &Replayer{codec, worker.WorkflowReplayerOptions{
		DataConverter:    converter,
		FailureConverter: keys.FailureConverter(converter),
		// It counts a second of the wall clock: a busy machine would be a divergence.
		DisableDeadlockDetection: true,
	}}
	_, err := r.replayer()
	return r, err
}

// Check replays a history from its first event; its end may be missing, as in that of an
// open run. It returns nil when this build's workflow does what the history says, and a
// [*Divergence] when it does not. ErrKeys and ErrDamaged mean that nothing can be said.
func (r *Replayer) Check(h *historypb.History) error {
	events := h.GetEvents()
	if err := readable(events); err != nil {
		return err
	}
	all := tasks(events)
	if len(all) == 0 { // no code has run yet
		return nil
	}
	// With a task that is in progress at the end, the SDK does not compare the last one.
	err := r.replay(events[:all[len(all)-1].end])
	if err == nil || errors.Is(err, ErrDamaged) {
		return err
	}
	if err := r.unopened(events); err != nil {
		return err
	}
	return r.locate(events, all)
}

// replay is the SDK's verdict. What it logs and its texts hold payloads. It counts on a
// server that wrote all attributes of an event, and panics where one is missing.
func (r *Replayer) replay(events []*historypb.HistoryEvent) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: an event lacks a part", ErrDamaged)
		}
	}()
	replayer, err := r.replayer()
	if err != nil {
		return err
	}
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	silent := log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	return replayer.ReplayWorkflowHistoryWithOptions(silent, &historypb.History{Events: events}, worker.ReplayWorkflowHistoryOptions{
		// The workflow compares its input with the workflow ID.
		OriginalExecution: sdk.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	})
}

// replayer makes the SDK's anew for each replay: it keeps the result of every run that it
// has replayed.
func (r *Replayer) replayer() (worker.WorkflowReplayer, error) {
	replayer, err := worker.NewWorkflowReplayerWithOptions(r.options)
	if err != nil {
		return nil, err
	}
	replayer.RegisterWorkflowWithOptions(workflow.ResetPassword, sdk.RegisterOptions{Name: workflow.Name})
	replayer.RegisterWorkflowWithOptions(workflow.FinishReset, sdk.RegisterOptions{Name: workflow.FinishName})
	return replayer, nil
}
