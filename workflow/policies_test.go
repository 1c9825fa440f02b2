package workflow_test

import (
	"testing"
	"time"

	"github.com/rekeyhq/rekey/workflow"
)

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
