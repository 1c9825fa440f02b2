package operators

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	sdkworker "go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/cost"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/worker"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	campaignQueue = "campaign"
	crowd         = 1_203 // accounts, three of which cannot be forced
)

// listed are accounts in the order of their IDs.
type listed struct{}

func (listed) Accounts(_ context.Context, after string, limit int) (page []account.Account, err error) {
	first := 0
	if after != "" {
		if _, err := fmt.Sscanf(after, "user%d", &first); err != nil {
			return nil, err
		}
	}
	for n := first + 1; n <= min(first+limit, crowd); n++ {
		id := fmt.Sprintf("user%06d", n)
		page = append(page, account.Account{
			ID: id, Address: id + "@example.com", Credential: "$argon2id$old", Resettable: n%401 != 0,
		})
	}
	return page, nil
}

// workshop carries out campaigns on a real server, with forced resets that end at once, or when they
// are signaled.
type workshop struct {
	t        *testing.T
	client   client.Client
	desk     *operator.Client
	accounts *keys.AccountKeys
	payloads converter.DataConverter
}

func newWorkshop(t *testing.T) *workshop {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	if err := keys.Create(path, false); err != nil {
		t.Fatal(err)
	}
	w := &workshop{t: t}
	codec, err := keys.Open(path).Payload()
	if err == nil {
		w.accounts, err = keys.Open(path).AccountKeys()
	}
	at := client.Options{HostPort: server.Addr(), Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))}
	if err == nil {
		w.client, err = client.DialContext(t.Context(), codec.ClientOptions(at))
	}
	if err == nil {
		w.payloads = keys.DataConverter(codec)
		t.Cleanup(w.client.Close)
		err = worker.Setup(t.Context(), w.client, client.DefaultNamespace)
	}
	if err == nil {
		w.desk, err = operator.Dial(t.Context(), operator.Config{Temporal: at, Keys: keys.Open(path), TaskQueue: campaignQueue})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.desk.Close)
	return w
}

// open starts a worker.
func (w *workshop) open() (stop func()) {
	w.t.Helper()
	work := sdkworker.New(w.client, campaignQueue, sdkworker.Options{DeadlockDetectionTimeout: flow.DeadlockAfter})
	work.RegisterWorkflowWithOptions(workflow.ForceAll, sdk.RegisterOptions{Name: workflow.ForceAllName})
	work.RegisterWorkflowWithOptions(func(ctx sdk.Context, in flow.Request) error {
		if in.Note == "stay" {
			sdk.GetSignalChannel(ctx, "end").Receive(ctx, nil)
		}
		return sdk.UpsertTypedSearchAttributes(ctx, flow.StateAttribute.ValueSet(string(statemachine.StateCompleted)))
	}, sdk.RegisterOptions{Name: workflow.ForceReset.Name})
	(&activities.Activities{Lister: listed{}, AccountKeys: w.accounts, Now: time.Now}).Register(work)
	if err := work.Start(); err != nil {
		w.t.Fatal(err)
	}
	return work.Stop
}

// until looks at the campaign until it is as wanted.
func (w *workshop) until(what string, is func(operator.Campaign) bool) operator.Campaign {
	w.t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for late := time.After(patience); ; {
		c, err := w.desk.Campaign(w.t.Context())
		if err == nil && is(c) {
			return c
		}
		select {
		case <-again.C:
		case <-late:
			w.t.Fatalf("%s: %+v, %v", what, c, err)
		}
	}
}

// resets are the forced resets of the campaign, by workflow ID.
func (w *workshop) resets() map[string]int {
	w.t.Helper()
	found, page := map[string]int{}, []byte(nil)
	for {
		answer, err := w.client.ListWorkflow(w.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
			Query: "WorkflowType = 'ForceReset' AND ParentWorkflowId = 'force-all/campaign'", NextPageToken: page, PageSize: 1000,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range answer.GetExecutions() {
			found[e.GetExecution().GetWorkflowId()]++
		}
		if page = answer.GetNextPageToken(); len(page) == 0 {
			return found
		}
	}
}

// A campaign on a real server forces each account once, over several runs, workers and commands. Its
// runs are short, and each of them replays.
func TestCampaign(t *testing.T) {
	w := newWorkshop(t)
	ctx := t.Context()
	// The forced reset of this account is open. It was begun by somebody else.
	open := flow.Request{AccountKey: w.accounts.Key("user000007@example.com"), Note: "stay"}
	earlier, err := w.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflow.ForceReset.ID(open.AccountKey), TaskQueue: campaignQueue,
	}, workflow.ForceReset.Name, open)
	if err != nil {
		t.Fatal(err)
	}
	stop := w.open()
	order := operator.CampaignOrder{Operator: "a.smith", Reason: "a leak", Rate: 100}
	if err := w.desk.StartCampaign(ctx, order); err != nil {
		t.Fatal(err)
	}
	if err := w.desk.StartCampaign(ctx, order); !errors.Is(err, operator.ErrCampaign) {
		t.Errorf("a second campaign: %v", err)
	}
	w.until("resets begin", func(c operator.Campaign) bool { return c.Started > 100 })
	paused, err := w.desk.PauseCampaign(ctx, "b.jones")
	if err != nil || paused.State != string(workflow.CampaignPaused) {
		t.Fatalf("pause: %+v, %v", paused, err)
	}
	stop()
	stop = w.open()
	again := w.until("another worker answers", func(operator.Campaign) bool { return true })
	if again.Started != paused.Started && again.Started > paused.Started+100 {
		t.Errorf("paused after %d accounts, now %d", paused.Started, again.Started)
	}
	if _, err := w.desk.SetRate(ctx, "b.jones", 150); err != nil {
		t.Error(err)
	}
	if _, err := w.desk.ResumeCampaign(ctx, "b.jones"); err != nil {
		t.Error(err)
	}
	w.until("it goes on", func(c operator.Campaign) bool { return c.Started > 500 })
	stop() // between any two events
	defer w.open()()
	const fit = crowd - 3
	done := w.until("the end", func(c operator.Campaign) bool {
		return c.Over() && len(c.Resets) > 1 && c.Resets[1].Runs == fit
	})
	if done.State != "completed" || done.Total != fit || done.Started != fit || done.Unfit != 3 || done.Failed != 0 || done.Left != 0 {
		t.Errorf("the end: %+v", done)
	}
	resets := w.resets()
	for id, n := range resets {
		if n != 1 || !strings.HasPrefix(id, "forced-reset/") {
			t.Errorf("%s was begun %d times", id, n)
		}
	}
	if len(resets) != fit {
		t.Errorf("%d resets were begun, want %d", len(resets), fit)
	}
	if _, err := w.desk.CancelCampaign(ctx, "b.jones"); !errors.Is(err, operator.ErrCampaignOver) {
		t.Errorf("a cancel after the end: %v", err)
	}
	// Its owner may have chosen a password since, so the campaign began anew.
	before, err := w.client.DescribeWorkflowExecution(ctx, earlier.GetID(), earlier.GetRunID())
	if err != nil || before.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_TERMINATED {
		t.Errorf("the forced reset of before is %s, %v", before.GetWorkflowExecutionInfo().GetStatus(), err)
	}
	w.replay(2)
}

// replay replays the runs of campaigns, and measures their histories.
func (w *workshop) replay(runs int) {
	w.t.Helper()
	found, err := w.client.ListWorkflow(w.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{
		Query: "WorkflowType = 'ForceAll' AND TaskQueue = '" + campaignQueue + "'",
	})
	if err != nil || len(found.GetExecutions()) != runs {
		w.t.Fatalf("%d runs of a campaign, want %d: %v", len(found.GetExecutions()), runs, err)
	}
	actions := 0
	defer func() {
		if actions > crowd/20 {
			w.t.Errorf("%d Actions for %d accounts", actions, crowd)
		}
	}()
	for _, e := range found.GetExecutions() {
		run := e.GetExecution()
		replayer, err := sdkworker.NewWorkflowReplayerWithOptions(sdkworker.WorkflowReplayerOptions{
			DataConverter: w.payloads, DisableDeadlockDetection: true,
		})
		if err != nil {
			w.t.Fatal(err)
		}
		replayer.RegisterWorkflowWithOptions(workflow.ForceAll, sdk.RegisterOptions{Name: workflow.ForceAllName})
		events := &historypb.History{}
		all := w.client.GetWorkflowHistory(w.t.Context(), run.GetWorkflowId(), run.GetRunId(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for all.HasNext() {
			event, err := all.Next()
			if err != nil {
				w.t.Fatal(err)
			}
			events.Events = append(events.Events, event)
		}
		costs, err := cost.Of(events)
		if err != nil {
			w.t.Fatal(err)
		}
		actions += costs.Actions
		w.t.Logf("run %s: %d events, %d bytes, %d Actions", run.GetRunId(), len(events.GetEvents()), e.GetHistorySizeBytes(), costs.Actions)
		if len(events.GetEvents()) > 15_000 {
			w.t.Errorf("run %s has %d events", run.GetRunId(), len(events.GetEvents()))
		}
		silent := log.NewStructuredLogger(slog.New(slog.DiscardHandler))
		if err := replayer.ReplayWorkflowHistoryWithOptions(silent, events, sdkworker.ReplayWorkflowHistoryOptions{
			OriginalExecution: sdk.Execution{ID: run.GetWorkflowId(), RunID: run.GetRunId()},
		}); err != nil {
			w.t.Errorf("run %s: %v", run.GetRunId(), err)
		}
	}
}
