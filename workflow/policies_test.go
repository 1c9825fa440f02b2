package workflow_test

import (
	"testing"
	"time"

	"github.com/rekeyhq/rekey/workflow"
)

// A mail server that hangs keeps mails waiting and nothing else, since mails have a task queue
// of their own.
func TestMailsWaitByThemselves(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(time.Minute, s.submit("mine"))
	s.run()
	var queues []string
	for _, w := range s.works {
		queues = append(queues, w.TaskQueue)
	}
	diff(t, "task queues of a link, a change, a notice", queues, []string{workflow.MailQueue, workflow.TaskQueue, workflow.MailQueue})
}

// security 23: somebody waits for each effect of a run, so a worker that was killed in
// the middle of one is noticed in seconds, and not when the longest attempt would be over.
func TestDeadWorkerIsNoticedSoon(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(time.Minute, s.submit("mine"))
	s.run()
	var types []string
	for _, w := range s.works {
		types = append(types, w.ActivityType.Name)
		diff(t, "heartbeat timeout of "+w.ActivityType.Name, w.HeartbeatTimeout, 3*workflow.Heartbeat)
	}
	diff(t, "activities", types, []string{workflow.SendEmail, workflow.ChangePassword, workflow.SendEmail})
}
