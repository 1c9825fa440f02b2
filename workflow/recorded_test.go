package workflow_test

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
	"github.com/rekeyhq/rekey/workflow"
)

// release is a release whose runs were recorded.
type release struct {
	version string
	stories []string // that it was the first to record
}

// releases lists them, the oldest first, and every story since it is told. A new release gets a
// line here.
func releases() []release {
	return []release{
		{"v0.1.0", []string{
			"canceled-by-operator", "canceled-by-owner", "expired", "happy", "late-double-submission",
			"late-request", "late-request-continued", "mail-retried", "refused", "resent-first-link", "resent-second-link",
			"stranger-completes", "withheld-mail-limit", "withheld-mail-refused", "withheld-no-account",
			"worker-killed-awaiting-token", "worker-killed-password-changed", "worker-killed-requested", "worker-killed-token-submitted",
		}},
		{"v0.2.0", []string{
			"asked-in-cool-down", "cancel-stops-mail", "change-stops-mail", "expired-late-second-mail", "foreign-input",
			"foreign-signals", "notice-owed", "notice-owed-late-request", "notice-owed-late-request-continued",
			"resent-to-the-limit", "stranger-completes-change", "stranger-completes-notice", "used-and-asked",
			"used-and-asked-continued", "used-and-canceled", "used-and-expired", "used-and-mailed",
		}},
	}
}

var (
	histories    = filepath.Join("testdata", "histories")
	replayKeyset = filepath.Join("testdata", "keys")
)

// stories calls a function with every run that must be there, by release/story.
func stories(t *testing.T, each func(t *testing.T, name string, h *historypb.History)) {
	t.Helper()
	var told []string
	for _, r := range releases() {
		told = append(told, r.stories...)
		for _, story := range told {
			name := path.Join(r.version, story)
			each(t, name, history(t, name))
		}
	}
}

// history reads a recorded run.
func history(tb testing.TB, name string) *historypb.History {
	tb.Helper()
	f, err := os.Open(filepath.Join(histories, filepath.FromSlash(name)+".json"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	h, err := client.HistoryFromJSON(f, client.HistoryJSONOptions{})
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return h
}

// recordedKeys is the keyset that the runs are sealed under. Git keeps no permissions, so
// it is copied.
func recordedKeys(tb testing.TB, options ...func(*keys.Dir)) keys.Dir {
	tb.Helper()
	dir := tb.TempDir()
	for _, use := range keys.Uses() {
		raw, err := os.ReadFile(filepath.Join(replayKeyset, string(use)+".json"))
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, string(use)+".json"), raw, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return keys.Open(dir, options...)
}

func newReplayer(tb testing.TB) *replay.Replayer {
	tb.Helper()
	codec, err := recordedKeys(tb, keys.AllowDev).Payload()
	if err != nil {
		tb.Fatal(err)
	}
	converter := keys.DataConverter(codec)
	r, err := replay.New(replay.Config{
		Workflows: workflow.Workflows(), Values: workflow.Values(),
		DataConverter: converter, FailureConverter: keys.FailureConverter(converter), Codec: codec, Encoded: keys.IsSealed,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// Runs of every release go on under this code. When this fails, runs that are open at the upgrade
// would stand still: doc.go has the remedies.
func TestRecordedRunsReplay(t *testing.T) {
	t.Parallel()
	replayer := newReplayer(t)
	stories(t, func(t *testing.T, name string, h *historypb.History) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := replayer.Check(h); err != nil {
				t.Errorf("the workflow no longer does what this run did, see flow/doc.go\n%v", err)
			}
		})
	})
}

// A replay names the event that the code does not lead to.
func TestReplayNamesTheEvent(t *testing.T) {
	t.Parallel()
	replayer := newReplayer(t)
	h := history(t, "v0.1.0/happy")
	for i, e := range h.GetEvents() {
		a := e.GetActivityTaskScheduledEventAttributes()
		if a.GetActivityType().GetName() != flow.ChangePassword {
			continue
		}
		a.ActivityType.Name = flow.RecordCancel
		_, err := replayer.Check(h)
		got, ok := errors.AsType[*replay.Divergence](err)
		if !ok || got.Event != int64(i)+1 || !strings.Contains(got.Error(), flow.ChangePassword) {
			t.Errorf("got %v, want event %d and what the code does there", got, i+1)
		}
		return
	}
	t.Fatal("the run changes no password")
}

// Names are those of the recorder, and none of the machine that it ran on.
func TestRecordedRunsNameNobody(t *testing.T) {
	t.Parallel()
	allowed := map[string]bool{
		"": true, "rekey-record": true, "rekey-record-stranger": true,
		"rekey-record-worker-1": true, "rekey-record-worker-2": true,
		"history-service": true, // Temporal itself
	}
	stories(t, func(t *testing.T, name string, h *historypb.History) {
		t.Helper()
		for _, e := range h.GetEvents() {
			if who := identityOf(e); !allowed[who] {
				t.Errorf("%s, event %d: identity %q", name, e.GetEventId(), who)
			}
			q := e.GetWorkflowTaskScheduledEventAttributes().GetTaskQueue()
			if q.GetKind() == enumspb.TASK_QUEUE_KIND_STICKY && len(q.GetName()) != len("sticky:e0988e40-8f94-45ce-9667-6d9ca07c59b5") {
				t.Errorf("%s, event %d: task queue %q", name, e.GetEventId(), q.GetName())
			}
		}
	})
}

// identityOf is the identity named in an event. Every kind of attributes has a field of that name,
// or none.
func identityOf(e *historypb.HistoryEvent) string {
	var found string
	e.ProtoReflect().Range(findIdentity(&found))
	return found
}

// security 41: no production runs on the keys of the recorded runs.
func TestReplayKeysetIsRefused(t *testing.T) {
	t.Parallel()
	refused(t, recordedKeys(t))
}
