package replay_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/replay"
	"github.com/rekeyhq/rekey/workflow"
)

func itoa(n int) string { return strconv.Itoa(n) }

// mailing is a run that waits and whose link is on its way.
func mailing(t *testing.T, c *keys.Codec) *story {
	t.Helper()
	s := begun(t, c)
	s.decided()
	s.scheduled(workflow.AwaitTokenSubmission, workflow.AwaitTokenSubmission)
	s.scheduled("", workflow.SendEmail)
	return s
}

// mailed is a run whose link is out.
func mailed(t *testing.T, c *keys.Codec) *story {
	t.Helper()
	s := mailing(t, c)
	s.completed(6, s.sealed(workflow.Delivery{}))
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

// Each is a history that other code has led to, and where this code leaves it.
func TestDivergence(t *testing.T) {
	t.Parallel()
	_, c := keyset(t)
	for want, write := range map[string]func(*story){
		"event 5 ActivityTaskScheduled send-email: the code schedules await-token-submission": func(s *story) {
			s.scheduled("", workflow.SendEmail)
			s.scheduled(workflow.AwaitTokenSubmission, workflow.AwaitTokenSubmission)
		},
		"event 6 ActivityTaskScheduled change-password: the code schedules send-email": func(s *story) {
			s.scheduled(workflow.AwaitTokenSubmission, workflow.AwaitTokenSubmission)
			s.scheduled("", workflow.ChangePassword)
		},
		"event 6 TimerStarted: the code schedules send-email": func(s *story) {
			s.scheduled(workflow.AwaitTokenSubmission, workflow.AwaitTokenSubmission)
			s.timer()
		},
		"event 7 ActivityTaskScheduled send-email: the code does nothing": func(s *story) {
			s.scheduled(workflow.AwaitTokenSubmission, workflow.AwaitTokenSubmission)
			s.scheduled("", workflow.SendEmail)
			s.scheduled("", workflow.SendEmail)
		},
		"event 4 WorkflowTaskCompleted: the code also schedules send-email": func(s *story) {
			s.scheduled(workflow.AwaitTokenSubmission, workflow.AwaitTokenSubmission)
		},
		"event 12 ActivityTaskScheduled record-cancel: the code starts a timer": func(s *story) {
			s.scheduled(workflow.AwaitTokenSubmission, workflow.AwaitTokenSubmission)
			s.scheduled("", workflow.SendEmail)
			s.completed(6, s.sealed(workflow.Delivery{}))
			s.decided()
			s.scheduled("", workflow.RecordCancel)
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
