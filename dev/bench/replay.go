package main

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	replayRuns  = 20
	replayTimes = 4_000
)

// replays measures the check before a deployment against the SDK's replayer alone, with the
// same histories and keys.
func (b *bench) replays(ctx context.Context) ([]*table, error) {
	b.say("replay: make %d histories", replayRuns)
	histories, codec, err := b.histories(ctx)
	if err != nil {
		return nil, err
	}
	converter := keys.DataConverter(codec)
	ours, err := replay.New(replay.Config{
		Workflows: workflow.Workflows(), Values: workflow.Values(),
		DataConverter: converter, FailureConverter: keys.FailureConverter(converter), Codec: codec, Encoded: keys.IsSealed,
	})
	if err != nil {
		return nil, err
	}
	bare, err := bareReplayer(codec)
	if err != nil {
		return nil, err
	}
	var speed, floor batches
	n := b.batch(replayTimes)
	err = b.warmed("replay: histories", []*batches{&speed, &floor}, func(round int) error {
		return inTurn(
			round,
			func() error { return floor.replay(ctx, n, histories, bare) },
			func() error {
				return speed.replay(ctx, n, histories, func(h *historypb.History) error {
					_, err := ours.Check(h)
					return err
				})
			},
		)
	})
	if err != nil {
		return nil, err
	}
	t := &table{Title: "Histories replayed, one after the other", Columns: []string{"what", "a second", "ratio"}}
	t.add("the SDK's replayer", floor.perSecond(), 1.0)
	t.add("package replay", speed.perSecond(), speed.perSecond()/floor.perSecond())
	return []*table{t}, nil
}

func (b *batches) replay(ctx context.Context, n int, histories []*historypb.History, check func(*historypb.History) error) error {
	began := time.Now()
	for i := range n {
		if err := errors.Join(ctx.Err(), check(histories[i%len(histories)])); err != nil {
			return err
		}
	}
	b.add(n, time.Since(began), nil, nil)
	return nil
}

// histories are those of some runs that were completed, and what opens them.
func (b *bench) histories(ctx context.Context) (all []*historypb.History, codec *keys.Codec, err error) {
	s, err := b.newSite(ctx, role{Hashing: cheapest()}, replayRuns, nil, "temporal", "worker", "starter")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if _, _, err := atOnce(ctx, replayRuns, 4, s.reset); err != nil {
		return nil, nil, err
	}
	accounts, err := s.keys().AccountKeys()
	if err != nil {
		return nil, nil, err
	}
	for n := range replayRuns {
		h, err := s.history(ctx, workflow.ID(accounts.Key(address(n))))
		if err != nil {
			return nil, nil, err
		}
		all = append(all, h)
	}
	codec, err = s.keys().Payload()
	return all, codec, err
}

// history is the whole one of a run, which it waits for.
func (s *site) history(ctx context.Context, id string) (*historypb.History, error) {
	if err := s.direct.GetWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		return nil, err
	}
	h := &historypb.History{}
	for it := s.direct.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); it.HasNext(); {
		event, err := it.Next()
		if err != nil {
			return nil, err
		}
		h.Events = append(h.Events, event)
	}
	return h, nil
}

// bareReplayer is the SDK's, with our keys and nothing else.
func bareReplayer(codec *keys.Codec) (func(*historypb.History) error, error) {
	converter := keys.DataConverter(codec)
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter: converter, FailureConverter: keys.FailureConverter(converter), DisableDeadlockDetection: true,
	})
	if err != nil {
		return nil, err
	}
	r.RegisterWorkflowWithOptions(workflow.ResetPassword, sdk.RegisterOptions{Name: workflow.Name})
	return func(h *historypb.History) error {
		started := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
		return r.ReplayWorkflowHistoryWithOptions(quiet(), h, worker.ReplayWorkflowHistoryOptions{
			OriginalExecution: sdk.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
		})
	}, nil
}
