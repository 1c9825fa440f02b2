package flow

import (
	"fmt"
	"regexp"
	"strings"
)

// The suffixes of the task queues beside that of the runs.
const (
	mailSuffix  = "-mail"
	peersSuffix = "-peers"
)

// MailQueueOf is where workers of a task queue find mails to send.
func MailQueueOf(queue string) string { return queue + mailSuffix }

// PeersQueue is where the processes of a task queue show their presence: all of them poll it, and
// no task is ever scheduled on it.
func PeersQueue(queue string) string { return queue + peersSuffix }

var queueName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// CheckQueue returns an error for a bad name of a task queue. Two products in one namespace have
// one each, so no name may be that of another one's mails or peers.
func CheckQueue(name string) error {
	switch {
	case !queueName.MatchString(name):
		return fmt.Errorf("task queue: want a name such as %s: letters, digits, dot, dash and underscore, 100 at most", TaskQueue)
	case strings.HasSuffix(name, mailSuffix), strings.HasSuffix(name, peersSuffix):
		return fmt.Errorf("task queue: want a name that does not end in %s or %s: rekey adds these itself", mailSuffix, peersSuffix)
	}
	return nil
}

// OfType is the condition of a visibility query for the runs of workflow types.
func OfType(names ...string) string { return "WorkflowType IN ('" + strings.Join(names, "', '") + "')" }

// InQueue is the condition of a visibility query for the runs of a task queue.
func InQueue(queue string) string { return fmt.Sprintf("TaskQueue = '%s'", queue) }
