package workflow_test

import (
	"log/slog"
	"testing"

	historypb "go.temporal.io/api/history/v1"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// BenchmarkReplay replays a reset with package replay, and with the SDK's replayer alone.
func BenchmarkReplay(b *testing.B) {
	h, ours := history(b, "v0.2.0/happy"), newReplayer(b)
	codec, err := recordedKeys(b, keys.AllowDev).Payload()
	if err != nil {
		b.Fatal(err)
	}
	converter := keys.DataConverter(codec)
	bare, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter: converter, FailureConverter: keys.FailureConverter(converter), DisableDeadlockDetection: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	bare.RegisterWorkflowWithOptions(workflow.ResetPassword.Run, sdk.RegisterOptions{Name: workflow.ResetPassword.Name})
	started := h.GetEvents()[0].GetWorkflowExecutionStartedEventAttributes()
	options := worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: sdk.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	}
	silent := sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))
	for name, check := range map[string]func(*historypb.History) error{
		"replay": func(h *historypb.History) error { _, err := ours.Check(h); return err },
		"SDK": func(h *historypb.History) error {
			return bare.ReplayWorkflowHistoryWithOptions(silent, h, options)
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := check(h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
