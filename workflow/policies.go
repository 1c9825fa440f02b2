package workflow

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

const (
	// mailRetry is how long a mail is tried: mail servers and their operators
	// need hours, and a day is what RFC 5321 (4.5.4.1) senders are patient for.
	mailRetry = 24 * time.Hour
	// recordRetry is how long a note of a cancel is tried.
	recordRetry = 24 * time.Hour
	// grace is added to a link's life before a run expires: clocks differ, and a
	// password that was sent in time may queue for its hash.
	grace = 60 * time.Second
	// again is the pause before an activity is repeated whose answer was not ours.
	again = 10 * time.Second
	// silence is how long nothing is heard of a worker until its activities begin
	// again elsewhere. Somebody waits for the mail or the answer meanwhile.
	silence = 3 * Heartbeat
)

// waiting holds the wait for a submission open. Expiry is the machine's, so the
// timeout is a mere net behind the longest run there can be; the retry policy is
// the default, so that a failure reported by a broken worker cannot kill a link.
func waiting(ctx workflow.Context, in Request, n int) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID:             waitID(n),
		ScheduleToCloseTimeout: MaxMails*(mailRetry+in.LinkLife+grace) + time.Hour,
		Summary:                "wait for the link to be used",
	})
}

// mailing retries for a day with back-off to five minutes: soon enough for a
// restarted mail server, seldom enough for greylisting. One attempt is an SMTP
// conversation, which ends by itself within 15 minutes: a mail server may read a mail for
// ten before it says that it is taken (RFC 5321 section 4.5.3.2.6).
func mailing(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              MailQueueOf(workflow.GetInfo(ctx).TaskQueueName),
		ScheduleToCloseTimeout: mailRetry,
		StartToCloseTimeout:    16 * time.Minute,
		HeartbeatTimeout:       silence,
		RetryPolicy:            &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
		Summary:                summary,
	})
}

// telling is mailing for the notice, for so long. It goes to every address of the account in
// one attempt, so an attempt may take as long as it says that it is at work. Of mails that
// wait for their turn, a notice goes before a link: anybody can ask for links.
func telling(ctx workflow.Context, patience time.Duration) workflow.Context {
	ctx = workflow.WithScheduleToCloseTimeout(mailing(ctx, "tell the owner"), patience)
	ctx = workflow.WithPriority(ctx, temporal.Priority{PriorityKey: 1}) // of 5; 3 without
	return workflow.WithStartToCloseTimeout(ctx, patience)
}

// recording is one line in the audit log, tried for a day.
func recording(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToCloseTimeout: recordRetry,
		StartToCloseTimeout:    30 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
		Summary:                summary,
	})
}

// ending retries until the store answers: somebody asks what became of a run.
func ending(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:             "ask the store what the run did, and end it",
	})
}

// changing retries until the store answers; what is older than a day is refused
// by the activity itself. One attempt is one store transaction.
func changing(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		HeartbeatTimeout:    silence,
		RetryPolicy:         &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:             "change the password",
	})
}
