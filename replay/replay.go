// Package replay tells whether this build of a workflow can still replay the runs of an earlier
// one. It knows no workflow by itself: [Config] names those to check.
//
// Temporal rebuilds a run by calling the workflow's code again with the run's history. Code that
// leaves the history fails the workflow task, again and again, and the run stands still. This
// package does that to a copy of the history, with no server, before the code is deployed.
//
// The SDK's replayer compares the kinds and IDs of the code's commands with the history. This
// package adds the event at which the two diverge, and the code's own step there, in words without
// payloads. It also checks that the code passes and reads the values in the history. A build that
// renames a field leads each run on, and loses the value of an earlier build.
//
// Values are compared by their JSON. A field that the history lacks is new and allowed. So an
// empty field that was not written is not compared.
package replay

import (
	"errors"
	"fmt"
	"log/slog"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"
)

// Config has the workflows of the histories, and the converters of their payloads. The converters
// are those of the worker that runs the workflows.
type Config struct {
	// Workflows are the workflow functions, by the name of their type.
	Workflows map[string]any
	// DataConverter and FailureConverter are the SDK's defaults if nil.
	DataConverter    converter.DataConverter
	FailureConverter converter.FailureConverter
	// Codec decodes the payloads that DataConverter encodes with it. It is nil if they are plain.
	Codec converter.PayloadCodec
	// Encoded reports that a payload claims to be encoded by Codec. When a replay fails, such
	// a payload that Codec refuses means ErrKeys. Nil stands for every payload.
	Encoded func(*commonpb.Payload) bool
	// Values are pointers to the types that cross Temporal. A payload of one of them that a
	// stranger put in the place of another is then no divergence. It may be nil.
	Values []any
}

// plain is the codec of payloads that are not encoded.
type plain struct{}

func (plain) Encode(p []*commonpb.Payload) ([]*commonpb.Payload, error) { return p, nil }
func (plain) Decode(p []*commonpb.Payload) ([]*commonpb.Payload, error) { return p, nil }

// Replayer replays histories. It is safe for concurrent use.
type Replayer struct{ config Config }

// New makes a replayer.
func New(c Config) (*Replayer, error) {
	if c.DataConverter == nil {
		c.DataConverter = converter.GetDefaultDataConverter()
	}
	if c.Codec == nil {
		c.Codec = plain{}
	}
	if c.Encoded == nil {
		c.Encoded = func(*commonpb.Payload) bool { return true }
	}
	r := &Replayer{c}
	_, err := r.replayer(newRecorder(r.config))
	return r, err
}

// Check replays a history from its first event; its end may be missing, as in that of an open run.
// It returns nil when this build's workflow follows the history, and a [*Divergence] when it does
// not. ErrKeys and ErrDamaged mean that no verdict is possible.
//
// The warnings name policies of activities (timeouts, retries, the task queue) that the code sets
// otherwise. An open run goes on under them.
func (r *Replayer) Check(h *historypb.History) (warnings []*Divergence, err error) {
	events := h.GetEvents()
	if err := r.readable(events); err != nil {
		return nil, err
	}
	all := tasks(events)
	if len(all) == 0 { // no code has run yet
		return nil, nil
	}
	// With a task that is in progress at the end, the SDK does not compare the last one.
	rec, err := r.replay(events[:all[len(all)-1].end])
	if errors.Is(err, ErrDamaged) {
		return nil, err
	}
	parted := int64(len(events)) + 1
	var located *Divergence
	if err != nil {
		if err := r.unopened(events); err != nil {
			return nil, err
		}
		located = r.locate(events, all)
		parted = located.Event
	}
	c, err := r.compare(events, all, rec)
	switch {
	case err != nil:
		return nil, err
	case c.before(parted) != nil:
		return nil, c.before(parted)
	case located != nil:
		return nil, located
	default:
		return c.warnings, nil
	}
}

// replay is the SDK's verdict. Its log and its error texts hold payloads. It requires all
// attributes of an event, and panics where one is missing.
func (r *Replayer) replay(events []*historypb.HistoryEvent) (rec *recorder, err error) {
	rec = newRecorder(r.config)
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: an event lacks a part", ErrDamaged)
		}
	}()
	replayer, err := r.replayer(rec)
	if err != nil {
		return nil, err
	}
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	silent := log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	return rec, replayer.ReplayWorkflowHistoryWithOptions(silent, &historypb.History{Events: events}, worker.ReplayWorkflowHistoryOptions{
		// The workflow compares its input with the workflow ID.
		OriginalExecution: sdk.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	})
}

// replayer makes an SDK replayer for each replay, because it keeps the results of its runs. The
// recorder is of one run, too.
func (r *Replayer) replayer(rec *recorder) (worker.WorkflowReplayer, error) {
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter:    strict{r.config.DataConverter, rec},
		FailureConverter: r.config.FailureConverter,
		Interceptors:     []interceptor.WorkerInterceptor{rec},
		// It counts a second of the wall clock: a busy machine would be a divergence.
		DisableDeadlockDetection: true,
	})
	if err != nil {
		return nil, err
	}
	for name, function := range r.config.Workflows {
		replayer.RegisterWorkflowWithOptions(function, sdk.RegisterOptions{Name: name})
	}
	return replayer, nil
}
