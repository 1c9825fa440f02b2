package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
)

// The replay compares each value that the code writes or reads. It finds the place of an unknown
// field, which an earlier build wrote.
func TestReplayComparesValues(t *testing.T) {
	t.Parallel()
	codec, err := recordedKeys(t, keys.AllowDev).Payload()
	if err != nil {
		t.Fatal(err)
	}
	replayer := newReplayer(t)
	found := map[string]int{}
	for _, name := range []string{"v0.2.0/late-request", "v0.2.0/late-request-continued", "v0.2.0/canceled-by-owner"} {
		for i := range history(t, name).GetEvents() {
			h := history(t, name)
			if !withOneMore(t, codec, h.GetEvents()[i]) {
				continue
			}
			what := h.GetEvents()[i].GetEventType().String()
			_, err := replayer.Check(h)
			got, ok := errors.AsType[*replay.Divergence](err)
			if !ok || got.Event != int64(i)+1 || !strings.HasSuffix(got.Code, "no Mood") {
				t.Errorf("%s, event %d %s: %v", name, i+1, what, err)
			}
			found[what]++
		}
	}
	for _, what := range []string{
		"WorkflowExecutionStarted", "WorkflowExecutionSignaled", "ActivityTaskScheduled", "ActivityTaskCompleted",
		"WorkflowExecutionUpdateCompleted", "WorkflowExecutionCompleted", "WorkflowExecutionContinuedAsNew",
	} {
		if found[what] == 0 {
			t.Errorf("%s is in none of these runs", what)
		}
	}
}

// withOneMore adds a field to the objects of an event. It returns false when there is none.
func withOneMore(t *testing.T, codec *keys.Codec, e *historypb.HistoryEvent) (added bool) {
	t.Helper()
	add := func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for i, p := range payloads {
			opened, err := codec.Decode([]*commonpb.Payload{p})
			if err != nil {
				continue // in clear: a search attribute
			}
			var object map[string]any
			if json.Unmarshal(opened[0].GetData(), &object) != nil {
				continue // a summary
			}
			object["Mood"] = "good"
			if opened[0].Data, err = json.Marshal(object); err != nil {
				return nil, err
			}
			sealed, err := codec.Encode(opened)
			if err != nil {
				return nil, err
			}
			payloads[i], added = sealed[0], true
		}
		return payloads, nil
	}
	if err := proxy.VisitPayloads(context.Background(), e, proxy.VisitPayloadsOptions{Visitor: add}); err != nil {
		t.Fatal(err)
	}
	return added
}

// Other policies are reported and are no divergence.
func TestOtherPolicies(t *testing.T) {
	t.Parallel()
	replayer := newReplayer(t)
	const mail = "event 7 ActivityTaskScheduled send-email: the code sets another "
	told := func(h *historypb.History) (warnings []string) {
		t.Helper()
		found, err := replayer.Check(h)
		if err != nil {
			t.Error(err)
		}
		for _, w := range found {
			warnings = append(warnings, w.Error())
		}
		return warnings
	}
	// Mails have a queue of their own, and more time, than in 0.2.0.
	sinceThen := []string{mail + "task queue", mail + "start-to-close timeout", strings.Replace(mail, "7", "29", 1) + "task queue"}
	for want, change := range map[string]func(*historypb.ActivityTaskScheduledEventAttributes){
		"": func(*historypb.ActivityTaskScheduledEventAttributes) {},
		mail + "task queue": func(a *historypb.ActivityTaskScheduledEventAttributes) {
			a.TaskQueue = &taskqueuepb.TaskQueue{Name: "mails"}
		},
		mail + "schedule-to-close timeout": func(a *historypb.ActivityTaskScheduledEventAttributes) {
			a.ScheduleToCloseTimeout = durationpb.New(time.Hour)
		},
		mail + "schedule-to-start timeout": func(a *historypb.ActivityTaskScheduledEventAttributes) {
			a.ScheduleToStartTimeout = durationpb.New(time.Hour)
		},
		mail + "start-to-close timeout": func(a *historypb.ActivityTaskScheduledEventAttributes) {
			a.StartToCloseTimeout = durationpb.New(time.Hour)
		},
		mail + "heartbeat timeout": func(a *historypb.ActivityTaskScheduledEventAttributes) {
			a.HeartbeatTimeout = durationpb.New(time.Hour)
		},
		mail + "retry policy": func(a *historypb.ActivityTaskScheduledEventAttributes) { a.RetryPolicy.MaximumAttempts = 3 },
	} {
		h := history(t, "v0.2.0/happy")
		change(h.GetEvents()[6].GetActivityTaskScheduledEventAttributes())
		all := sinceThen
		if want != "" && !slices.Contains(sinceThen, want) {
			all = append(slices.Clone(sinceThen), want)
		}
		if got := told(h); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(all))) {
			t.Errorf("%q, want %q", got, all)
		}
	}
}
