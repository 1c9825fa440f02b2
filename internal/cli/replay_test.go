package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	workflowpb "go.temporal.io/api/workflow/v1"

	"github.com/rekeyhq/rekey/replay"
)

func listed(id string, status enumspb.WorkflowExecutionStatus) *workflowpb.WorkflowExecutionInfo {
	return &workflowpb.WorkflowExecutionInfo{
		Execution: &commonpb.WorkflowExecution{WorkflowId: id, RunId: "run-of-" + id}, Status: status,
	}
}

// diverging is a report of 500 runs that diverge for two reasons.
func diverging() *report {
	r := newReport("default", "")
	r.add(listed("reset/fits", enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING), nil, nil)
	for i := range 499 {
		status := enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED
		if i < 20 {
			status = enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING
		}
		r.add(listed(fmt.Sprintf("reset/%d", i), status), nil,
			&replay.Divergence{Event: int64(5 + i), What: "ActivityTaskScheduled send-email", Code: "schedules change-password"})
	}
	r.add(listed("reset/other", enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING), nil, &replay.Divergence{Event: 12, What: "TimerStarted", Code: "does nothing"})
	return r
}

func TestReportOfManyIsShort(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := diverging().write(&out, false); err != nil {
		t.Fatal(err)
	}
	want := `replayed 501 runs of namespace default: 1 fit this build, 500 diverge, 0 cannot be judged; 0 more are gone

499 runs, 20 of them open: ActivityTaskScheduled send-email: the code schedules change-password
  reset/0, run run-of-reset/0: event 5 ActivityTaskScheduled send-email: the code schedules change-password
  reset/1, run run-of-reset/1: event 6 ActivityTaskScheduled send-email: the code schedules change-password
  reset/2, run run-of-reset/2: event 7 ActivityTaskScheduled send-email: the code schedules change-password
  and 496 more

1 runs, 1 of them open: TimerStarted: the code does nothing
  reset/other, run run-of-reset/other: event 12 TimerStarted: the code does nothing
` + remedy
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// Warnings are printed, and stop no deployment.
func TestReportOfWarnings(t *testing.T) {
	t.Parallel()
	r := newReport("default", "")
	queue := func(event int64) *replay.Divergence {
		return &replay.Divergence{Event: event, What: "ActivityTaskScheduled send-email", Code: "sets another task queue"}
	}
	r.add(listed("reset/a", enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING), []*replay.Divergence{queue(7), queue(24)}, nil)
	r.add(listed("reset/b", enumspb.WORKFLOW_EXECUTION_STATUS_COMPLETED), []*replay.Divergence{queue(7)}, nil)
	var out, asJSON bytes.Buffer
	if err := errors.Join(r.write(&out, false), r.write(&asJSON, true), r.verdict(nil)); err != nil {
		t.Fatal(err)
	}
	want := `replayed 2 runs of namespace default: 2 fit this build, 0 diverge, 0 cannot be judged; 0 more are gone
` + warned + `
2 runs, 1 of them open: ActivityTaskScheduled send-email: the code sets another task queue
  reset/a, run run-of-reset/a: event 7 ActivityTaskScheduled send-email: the code sets another task queue
  reset/b, run run-of-reset/b: event 7 ActivityTaskScheduled send-email: the code sets another task queue
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	var got struct{ Warnings []struct{ Runs int } }
	if err := json.Unmarshal(asJSON.Bytes(), &got); err != nil || len(got.Warnings) != 1 || got.Warnings[0].Runs != 2 {
		t.Errorf("%v, %+v in\n%s", err, got, &asJSON)
	}
}

func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := diverging().write(&out, true); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Diverged    int
		Divergences []struct{ Runs, Open int }
		Unreadable  []any
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Diverged != 500 || len(got.Divergences) != 2 || got.Divergences[0].Runs != 499 || got.Divergences[0].Open != 20 || got.Unreadable == nil {
		t.Errorf("%+v in\n%s", got, &out)
	}
}

// The order is independent of the order of the replays.
func TestReportIsInOrder(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		r := newReport("default", "")
		for i, what := range []string{"third", "second", "first", "first"} {
			r.add(listed(fmt.Sprintf("reset/%d", i), enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING), nil, &replay.Divergence{Event: 5, What: what, Code: "does nothing"})
		}
		var out bytes.Buffer
		if err := r.write(&out, asJSON); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?s)first.*second.*third`).MatchString(out.String()) || regexp.MustCompile(`(?s)third.*first`).MatchString(out.String()) {
			t.Errorf("report:\n%s", &out)
		}
	}
}

// A stranger chooses the workflow ID of a run that it starts.
func TestReportDoesNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	r := newReport("default", "")
	r.add(listed("reset/\x1b[2J\nall is well", enumspb.WORKFLOW_EXECUTION_STATUS_FAILED), nil, replay.ErrDamaged)
	var out bytes.Buffer
	if err := r.write(&out, false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "\nall is well") {
		t.Errorf("report: %q", out.String())
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	run := listed("reset/a", enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING)
	lost := errors.New("connection lost")
	for name, tc := range map[string]struct {
		found  []error // of each run
		wanted bool
		early  error
		want   int
		text   string
	}{
		"all fit":                        {[]error{nil, nil}, true, nil, 0, ""},
		"nothing is there":               {nil, false, nil, 0, ""},
		"nothing is there that must be":  {nil, true, nil, exitUnchecked, "no history"},
		"some are gone":                  {[]error{nil, errGone}, false, nil, 0, ""},
		"all are gone":                   {[]error{errGone}, false, nil, exitUnchecked, "no history"},
		"one diverges":                   {[]error{nil, &replay.Divergence{}}, false, nil, exitFailed, "1 of 2 runs diverge"},
		"one diverges and then it ends":  {[]error{&replay.Divergence{}}, false, lost, exitFailed, "1 of 1 runs diverge"},
		"one diverges, another's key":    {[]error{replay.ErrKeys, &replay.Divergence{}}, false, nil, exitFailed, "1 of 2 runs diverge"},
		"a key is missing":               {[]error{nil, fmt.Errorf("%w: x", replay.ErrKeys)}, false, nil, exitUnchecked, replay.ErrKeys.Error()},
		"a history is damaged":           {[]error{nil, replay.ErrDamaged}, false, nil, exitUnchecked, replay.ErrDamaged.Error()},
		"it ends before all is replayed": {[]error{nil}, false, lost, exitUnchecked, "connection lost"},
	} {
		r := newReport("default", "")
		r.wanted = tc.wanted
		for _, err := range tc.found {
			r.add(run, nil, err)
		}
		err := r.verdict(tc.early)
		if got := status(err); got != tc.want || err != nil && !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: status %d, %v; want %d, %q", name, got, err, tc.want, tc.text)
		}
	}
}

func TestReplayQuery(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	for want, c := range map[string]replayCmd{
		"WorkflowType IN ('FinishReset', 'ForceAll', 'ForceReset', 'Invite', 'ResetPassword') AND TaskQueue = 'rekey' AND (ExecutionStatus IN ('Running', 'Paused') OR StartTime >= '2026-11-02T10:00:00Z')": {Since: 2 * time.Hour},
		"WorkflowType IN ('FinishReset', 'ForceAll', 'ForceReset', 'Invite', 'ResetPassword') AND TaskQueue = 'rekey' AND WorkflowId = 'reset/a'":                                                            {Since: 2 * time.Hour, WorkflowID: "reset/a"},
	} {
		if got := c.query(now, "rekey"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A wrong command line and an impossible check are no divergence to a pipeline.
func TestReplayRefuses(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
	for want, args := range map[string][]string{
		"set --keys ($REKEY_KEYS)":                                      nil,
		"--since ($REKEY_REPLAY_SINCE): want more than 0":               {"--keys", newKeys(t), "--since", "0s"},
		"--parallel ($REKEY_REPLAY_PARALLEL): want 1 or more":           {"--keys", newKeys(t), "--parallel", "0"},
		"--workflow-id ($REKEY_REPLAY_WORKFLOW_ID): want one without":   {"--keys", newKeys(t), "--workflow-id", "x' OR 'a' = 'a"},
		"connection to Temporal at temporal.example.com:7233 is not en": {"--keys", newKeys(t)},
		"rekey keys new": {"--keys", t.TempDir()},
	} {
		args = append([]string{"replay"}, args...)
		refused(t, args, want)
		if _, err := rekey(t, args...); status(err) != exitUnchecked {
			t.Errorf("%s: status %d", want, status(err))
		}
	}
}
