package replay_test

import (
	"errors"
	"strconv"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
)

func itoa(n int) string { return strconv.Itoa(n) }

// mailing is a run that waits and whose link is in progress.
func mailing(t *testing.T, c *keys.Codec) *story {
	t.Helper()
	s := begun(t, c)
	s.decided()
	s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
	s.scheduledWith("", flow.SendEmail, s.mail())
	return s
}

// mailed is a run whose link is out.
func mailed(t *testing.T, c *keys.Codec) *story {
	t.Helper()
	s := mailing(t, c)
	s.completed(6, s.sealed(flow.Delivery{}))
	s.decided()
	s.timer()
	return s
}

func TestHistoryOfThisCode(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	for name, s := range map[string]*story{
		"begun": begun(t, c), "mailing": mailing(t, c), "mailed": mailed(t, c),
	} {
		must(t, check(t, c, s.events))
		s.task()
		if err := check(t, c, s.events); err != nil {
			t.Errorf("%s, with a task in progress: %v", name, err)
		}
	}
}

// Each is a history of other code, with the event where this code leaves it.
func TestDivergence(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	for want, write := range map[string]func(*story){
		"event 5 ActivityTaskScheduled send-email: the code schedules await-token-submission": func(s *story) {
			s.scheduledWith("", flow.SendEmail, s.mail())
			s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
		},
		"event 6 ActivityTaskScheduled change-password: the code schedules send-email": func(s *story) {
			s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
			s.scheduled("", flow.ChangePassword)
		},
		"event 6 TimerStarted: the code schedules send-email": func(s *story) {
			s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
			s.timer()
		},
		"event 7 ActivityTaskScheduled send-email: the code does nothing": func(s *story) {
			s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
			s.scheduledWith("", flow.SendEmail, s.mail())
			s.scheduledWith("", flow.SendEmail, s.mail())
		},
		"event 4 WorkflowTaskCompleted: the code also schedules send-email": func(s *story) {
			s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
		},
		"event 12 ActivityTaskScheduled record-cancel: the code starts a timer": func(s *story) {
			s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
			s.scheduledWith("", flow.SendEmail, s.mail())
			s.completed(6, s.sealed(flow.Delivery{}))
			s.decided()
			s.scheduled("", flow.RecordCancel)
		},
	} {
		s := begun(t, c)
		s.decided()
		write(s)
		s.task() // in progress
		err := check(t, c, s.events)
		if diverged := new(replay.Divergence); !errors.As(err, &diverged) || err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

// The machine has no such event in that state: a bug, in either code.
func TestPanic(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	s := mailing(t, c)
	s.completed(5, s.sealed(flow.Submission{ID: "submission"}))
	s.decided()
	s.scheduledWith("", flow.ChangePassword, s.sealed(flow.Change{Run: runID, Submission: flow.Submission{ID: "submission"}}))
	must(t, check(t, c, s.events))
	s.completed(int64(len(s.events)), s.sealed(flow.Verdict{Event: "link_sent", Submission: "submission"}))
	s.decided()
	if err := check(t, c, s.events); err == nil || err.Error() != "event 17 WorkflowTaskCompleted: the code panics" {
		t.Errorf("%v", err)
	}
}

// A newer SDK began the run, and an older build is to be deployed again.
func TestNewerSDK(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	s := mailing(t, c)
	s.events[3].GetWorkflowTaskCompletedEventAttributes().SdkMetadata = &sdkpb.WorkflowTaskCompletedMetadata{LangUsedFlags: []uint32{4_000_000}}
	if err := check(t, c, s.events); err == nil || err.Error() != "event 4 WorkflowTaskCompleted: the code cannot go on" {
		t.Errorf("%v", err)
	}
}

// A workflow task may fail or time out and be tried again. It decided nothing.
func TestFailedTask(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	s := begun(t, c)
	s.task()
	s.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED, &historypb.HistoryEvent{})
	s.decided()
	s.scheduled(flow.AwaitTokenSubmission, flow.AwaitTokenSubmission)
	s.scheduledWith("", flow.SendEmail, s.mail())
	s.task()
	s.add(enumspb.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT, &historypb.HistoryEvent{})
	must(t, check(t, c, s.events))
	s.events[8].GetActivityTaskScheduledEventAttributes().ActivityType.Name = flow.RecordCancel
	if err := check(t, c, s.events); err == nil || err.Error() != "event 9 ActivityTaskScheduled record-cancel: the code schedules send-email" {
		t.Errorf("%v", err)
	}
}
