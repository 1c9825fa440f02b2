package replay_test

import (
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/sdk/converter"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/replay"
)

// order and receipt are values that cross Temporal, of a workflow of an online shop.
type (
	order   struct{ Article, Size string }
	receipt struct{ Parcels int }
)

// ship is the workflow of the worker now.
func ship(ctx sdk.Context, o order) (receipt, error) {
	ctx = sdk.WithActivityOptions(ctx, sdk.ActivityOptions{StartToCloseTimeout: time.Minute})
	var r receipt
	err := sdk.ExecuteActivity(ctx, "pack", o).Get(ctx, &r)
	return r, err
}

// nap is a workflow without a result.
func nap(ctx sdk.Context) error { return sdk.Sleep(ctx, time.Hour) }

// A host checks the history of a workflow of its own, as it was downloaded from Temporal.
func ExampleReplayer_Check() {
	replayer, err := replay.New(replay.Config{
		Workflows: map[string]any{"ship": ship},
		Values:    []any{&order{}, &receipt{}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, activity := range []string{"pack", "weigh"} {
		warnings, err := replayer.Check(shipped(activity, order{Article: "lamp"}))
		var diverged *replay.Divergence
		switch {
		case errors.As(err, &diverged):
			fmt.Printf("at event %d the history has %s, and the code %s\n", diverged.Event, diverged.What, diverged.Code)
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("this build can replay the run;", len(warnings), "warnings")
		}
	}
	// Output:
	// this build can replay the run; 0 warnings
	// at event 5 the history has ActivityTaskScheduled weigh, and the code schedules pack
}

// shipped is the history of a run that an earlier build began with an order.
func shipped(activity string, o any) *historypb.History {
	input := inJSON(o)
	return history("ship", input,
		&historypb.HistoryEvent{
			EventType: enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
			Attributes: &historypb.HistoryEvent_ActivityTaskScheduledEventAttributes{
				ActivityTaskScheduledEventAttributes: &historypb.ActivityTaskScheduledEventAttributes{
					ActivityId: "5", ActivityType: &commonpb.ActivityType{Name: activity}, Input: input,
					TaskQueue: &taskqueuepb.TaskQueue{Name: "shop"}, StartToCloseTimeout: lasting(time.Minute),
				},
			},
		})
}

// history is that of a run whose first workflow task led to some events.
func history(kind string, input *commonpb.Payloads, decided ...*historypb.HistoryEvent) *historypb.History {
	h := &historypb.History{Events: append([]*historypb.HistoryEvent{
		{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
			Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
				WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{
					WorkflowId: "order/1", OriginalExecutionRunId: runID, WorkflowType: &commonpb.WorkflowType{Name: kind},
					Input: input, TaskQueue: &taskqueuepb.TaskQueue{Name: "shop"},
				},
			},
		},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED},
		{EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED},
		{
			EventType: enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED,
			Attributes: &historypb.HistoryEvent_WorkflowTaskCompletedEventAttributes{
				WorkflowTaskCompletedEventAttributes: &historypb.WorkflowTaskCompletedEventAttributes{},
			},
		},
	}, decided...)}
	for i, e := range h.GetEvents() {
		e.EventId = int64(i) + 1
	}
	return h
}

func inJSON(value any) *commonpb.Payloads {
	p, err := converter.GetDefaultDataConverter().ToPayloads(value)
	if err != nil {
		panic(err)
	}
	return p
}
