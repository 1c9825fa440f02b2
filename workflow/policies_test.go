package workflow_test

import (
	"testing"
	"time"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/workflow"
)

// Mails have a task queue of their own, so a mail server that hangs keeps only mails waiting.
func TestMailsWaitByThemselves(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(time.Minute, s.submit("mine"))
	s.run()
	var queues []string
	for _, w := range s.works {
		queues = append(queues, w.TaskQueue)
	}
	diff(t, "task queues of a link, a change, a notice", queues, []string{flow.MailQueue, flow.TaskQueue, flow.MailQueue})
}

// security 23: a caller waits for each effect of a run. So a worker killed in the middle of one is
// noticed in seconds, and not at the end of the longest attempt.
func TestDeadWorkerIsNoticedSoon(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.at(time.Minute, s.submit("mine"))
	s.run()
	force, _ := forced(t, blocked)
	force.run()
	var types []string
	for _, w := range append(s.works, force.works...) {
		types = append(types, w.ActivityType.Name)
		diff(t, "heartbeat timeout of "+w.ActivityType.Name, w.HeartbeatTimeout, 3*flow.Heartbeat)
	}
	diff(t, "activities", types, []string{flow.SendEmail, flow.ChangePassword, flow.SendEmail, workflow.BlockPassword, flow.SendEmail})
}
