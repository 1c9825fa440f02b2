package operator

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	sdk "go.temporal.io/sdk/workflow"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// truth is the workflow's own account of a run, in the details that it keeps for operators.
type truth struct {
	state                   statemachine.State
	mails, passedOver       int
	withheld, refused       string
	untold                  bool
	ended, continued, fails bool
	owed                    []flow.Mail // that the next run takes over
}

var (
	stateLine    = regexp.MustCompile("(?m)^\\*\\*State:\\*\\* `(\\w+)`")
	withheldLine = regexp.MustCompile("; the last was withheld \\(`(\\w+)`\\)")
	passedLine   = regexp.MustCompile(`(?m)^\*\*Requests without another mail:\*\* (\d+)`)
	refusedLine  = regexp.MustCompile(`(?m)^\*\*The change was refused:\*\* (.+)$`)
	untoldLine   = "**Password changed, but no address was notified.**"
	recordedRuns = filepath.Join("..", "workflow", "testdata")
)

func truthOf(t *testing.T, details string) truth {
	t.Helper()
	find := func(line *regexp.Regexp, n int) string {
		if m := line.FindStringSubmatch(details); m != nil {
			return m[n]
		}
		return ""
	}
	number := func(text string) int {
		n, err := strconv.Atoi("0" + text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return truth{
		state: statemachine.State(find(stateLine, 1)), withheld: find(withheldLine, 1),
		passedOver: number(find(passedLine, 1)), refused: find(refusedLine, 1), untold: strings.Contains(details, untoldLine),
	}
}

// listener notes the details and the mails of a run while it is replayed.
type listener struct {
	interceptor.WorkerInterceptorBase
	details string
	mails   int // links
}

func (l *listener) InterceptWorkflow(_ sdk.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &listening{interceptor.WorkflowInboundInterceptorBase{Next: next}, l}
}

type listening struct {
	interceptor.WorkflowInboundInterceptorBase
	to *listener
}

func (l *listening) Init(out interceptor.WorkflowOutboundInterceptor) error {
	return l.Next.Init(&speaking{interceptor.WorkflowOutboundInterceptorBase{Next: out}, l.to})
}

type speaking struct {
	interceptor.WorkflowOutboundInterceptorBase
	to *listener
}

func (s *speaking) ExecuteActivity(ctx sdk.Context, name string, args ...any) sdk.Future {
	if name == flow.SendEmail {
		if m, ok := args[0].(flow.Mail); ok && m.Account == "" {
			s.to.mails = max(s.to.mails, m.Number)
		}
	}
	return s.Next.ExecuteActivity(ctx, name, args...)
}

func (l *listening) ExecuteWorkflow(ctx sdk.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	beside, _ := sdk.NewDisconnectedContext(ctx)
	sdk.Go(beside, func(ctx sdk.Context) { // begins nothing, so it leaves the history as it is
		_ = sdk.Await(ctx, func() bool {
			l.to.details = sdk.GetCurrentDetails(ctx)
			return false
		})
	})
	result, err := l.Next.ExecuteWorkflow(ctx, in)
	l.to.details = sdk.GetCurrentDetails(ctx)
	return result, err
}

// replayed runs this build's workflow through a history and returns its details at the end.
func replayed(t *testing.T, data converter.DataConverter, events []*historypb.HistoryEvent) truth {
	t.Helper()
	l := &listener{}
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		DataConverter: data, FailureConverter: keys.FailureConverter(data),
		Interceptors: []interceptor.WorkerInterceptor{l}, DisableDeadlockDetection: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.RegisterWorkflowWithOptions(workflow.ResetPassword.Run, sdk.RegisterOptions{Name: workflow.ResetPassword.Name})
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	err = r.ReplayWorkflowHistoryWithOptions(quiet{}, &historypb.History{Events: events}, worker.ReplayWorkflowHistoryOptions{
		OriginalExecution: sdk.Execution{ID: started.GetWorkflowId(), RunID: started.GetOriginalExecutionRunId()},
	})
	if err != nil {
		t.Fatal(err)
	}
	told := truthOf(t, l.details)
	told.mails = l.mails
	switch last := events[len(events)-1]; last.GetEventType() {
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		var next flow.Request
		if err := data.FromPayloads(last.GetWorkflowExecutionContinuedAsNewEventAttributes().GetInput(), &next); err != nil {
			t.Fatal(err)
		}
		told.ended, told.continued, told.owed = true, true, next.Owed
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
		told.ended = true
	case enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
		told.ended, told.fails = true, true
	default:
	}
	return told
}

type quiet struct{}

var _ sdklog.Logger = quiet{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

// tasks are the numbers of the events after each of which the run has done all its work.
func tasks(events []*historypb.HistoryEvent) (ends []int) {
	for i, e := range events {
		if e.GetEventType() != enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED {
			continue
		}
		end := i + 1
		for end < len(events) && command(events[end].GetEventType()) {
			end++
		}
		ends = append(ends, end)
	}
	return ends
}

// command reports that the run itself makes such an event.
func command(kind enumspb.EventType) bool {
	switch kind {
	case enumspb.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED, enumspb.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED,
		enumspb.EVENT_TYPE_TIMER_STARTED, enumspb.EVENT_TYPE_TIMER_CANCELED, enumspb.EVENT_TYPE_MARKER_RECORDED,
		enumspb.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
		enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
		return true
	default:
		return false
	}
}

// recordedKey opens the recorded runs. Git keeps no permissions, so the keyset is copied.
func recordedKey(t *testing.T) converter.DataConverter {
	t.Helper()
	dir := t.TempDir()
	raw, err := os.ReadFile(filepath.Join(recordedRuns, "keys", "payload.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "payload.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	codec, err := keys.Open(dir, keys.AllowDev).Payload()
	if err != nil {
		t.Fatal(err)
	}
	return keys.DataConverter(codec)
}

// The client reports every recorded run as the workflow itself does, after each step, with and
// without the payload key.
func TestRecordedRunsAreToldAsTheyAre(t *testing.T) {
	t.Parallel()
	data := recordedKey(t)
	files, err := filepath.Glob(filepath.Join(recordedRuns, "histories", "*", "*.json"))
	if err != nil || len(files) < 55 {
		t.Fatalf("%d recorded runs, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file)) + "/" + strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
			if err != nil {
				t.Fatal(err)
			}
			follow(t, data, h.GetEvents())
		})
	}
}

// follow compares the reports on a run after each of its steps.
func follow(t *testing.T, data converter.DataConverter, events []*historypb.HistoryEvent) {
	t.Helper()
	open, sealed := newStory(workflow.ResetPassword, data.FromPayloads), newStory(workflow.ResetPassword, noKey)
	var before truth
	read := 0
	for _, end := range tasks(events) {
		now := replayed(t, data, events[:end])
		for ; read < end; read++ {
			e := events[read]
			if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED && !now.ended {
				checkAnswer(t, open, e, before, now)
			}
			if e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW {
				checkOwed(t, open, sealed, now)
			}
			open.read(e)
			sealed.read(e)
		}
		at := events[end-1].GetEventId()
		checkRun(t, "with the key", at, open.summary(target{}), now)
		checkRun(t, "without the key", at, sealed.summary(target{}), now)
		checkReasons(t, at, open.summary(target{}), now)
		before = now
	}
}

// checkRun compares the reports with and without the key.
func checkRun(t *testing.T, how string, event int64, got Run, want truth) {
	t.Helper()
	state := string(want.state)
	if want.fails {
		state = Failed
	}
	if got.State != state || got.Mails != want.mails || got.Open == want.ended {
		t.Errorf("%s, event %d: %s, %d mails, open %t; the run says %s, %d mails, ended %t",
			how, event, got.State, got.Mails, got.Open, state, want.mails, want.ended)
	}
	if settled := want.ended || statemachine.Reset.Settled(want.state); got.Settled() != settled {
		t.Errorf("%s, event %d: settled %t", how, event, got.Settled())
	}
	if want.continued && got.Asked != 0 { // the next run answers them
		t.Errorf("%s, event %d: %d requests mailed nothing", how, event, got.Asked)
	}
	// A run whose reset is over waits for notices, or for the note of a cancel.
	final := statemachine.Reset.Final(want.state)
	if owes := final && !want.ended && want.state != statemachine.StateCanceled; got.Owed != owes && (final || want.ended) {
		t.Errorf("%s, event %d: owed %t", how, event, got.Owed)
	}
}

// checkReasons compares the facts that need the key.
func checkReasons(t *testing.T, event int64, got Run, want truth) {
	t.Helper()
	if got.Sealed || got.Withheld != want.withheld || got.Untold != want.untold {
		t.Errorf("event %d: sealed %t, withheld %q, untold %t; the run says %q, %t",
			event, got.Sealed, got.Withheld, got.Untold, want.withheld, want.untold)
	}
	if want.ended && got.Refused != want.refused {
		t.Errorf("event %d: refused %q, the run says %q", event, got.Refused, want.refused)
	}
}

// checkOwed compares the pending notices when another run takes them over.
func checkOwed(t *testing.T, open, sealed *story, want truth) {
	t.Helper()
	for how, s := range map[string]*story{"with": open, "without": sealed} {
		if s.owed != len(want.owed) {
			t.Errorf("%s the key: %d notices are owed, the next run takes over %d", how, s.owed, len(want.owed))
		}
	}
}

// checkAnswer compares the expected answer to a request with the run's. The events of the task are
// read, and its commands are not.
func checkAnswer(t *testing.T, s *story, e *historypb.HistoryEvent, before, now truth) {
	t.Helper()
	why := s.unanswered(s.task)
	switch {
	case before.mails > 0 && now.mails > before.mails && why != "":
		t.Errorf("event %d: a request mailed link %d, and %q is said", e.GetEventId(), now.mails, why)
	case now.passedOver > before.passedOver && now.mails == before.mails && why == "":
		t.Errorf("event %d: a request mailed nothing, and would have, as it is said", e.GetEventId())
	}
}
