package workflow_test

import (
	"testing"

	"github.com/rekeyhq/rekey/flow"
)

// The released names follow from the task queue. No product's queue is another one's queue of
// mails, and no name ends the text of a query.
func TestQueueNames(t *testing.T) {
	t.Parallel()
	if flow.MailQueueOf(flow.TaskQueue) != flow.MailQueue {
		t.Errorf("mails of %s are in %s", flow.TaskQueue, flow.MailQueueOf(flow.TaskQueue))
	}
	for name, good := range map[string]bool{
		flow.TaskQueue: true, "harbor.eu-1": true,
		"": false, "rekey-mail": false, "rekey-peers": false, "a' OR TaskQueue != '": false, "/_sys/rekey/1": false, "two words": false,
	} {
		if err := flow.CheckQueue(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}
