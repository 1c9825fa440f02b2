package flow

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// These durations are history: a run sets timers or decides by them. They change behind
// workflow.GetVersion only.
const (
	// mailRetry is how long a mail is tried. Mail servers and their operators need hours, and
	// senders wait a day (RFC 5321 section 4.5.4.1).
	mailRetry = 24 * time.Hour
	// recordRetry is how long a note of a cancel is tried.
	recordRetry = 24 * time.Hour
	// grace is added to a link's life before a run expires. Clocks differ, and a password that was
	// sent in time may queue for its hash.
	grace = 60 * time.Second
	// withheldPause is how long a run whose mails were all withheld passes requests over. Without
	// it each request of a stranger would begin an activity.
	withheldPause = 10 * time.Minute
	// retryPause is the pause before an activity is repeated because its result names another run.
	retryPause = 10 * time.Second
)

const (
	// heartbeatTimeout is how long a worker may send no heartbeat until its activities begin again
	// elsewhere. A caller waits for the mail or the answer meanwhile.
	heartbeatTimeout = 3 * Heartbeat
)

// waitOptions hold the wait for a submission open. The state machine expires links. This timeout
// is only a safety net, longer than any run. The default retry policy keeps a link alive when a
// broken worker reports a failure.
func waitOptions(ctx workflow.Context, in Request, n int) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ActivityID:             waitID(n),
		ScheduleToCloseTimeout: MaxMails*(mailRetry+in.LinkLife+grace) + time.Hour,
		Summary:                "wait for the link to be used",
	})
}

// mailOptions retry for a day with back-off to five minutes: soon enough for a restarted mail
// server, seldom enough for greylisting. One attempt is an SMTP conversation, which ends by itself
// within 15 minutes. A mail server may take ten to accept a mail (RFC 5321 section 4.5.3.2.6).
func mailOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue:              MailQueueOf(workflow.GetInfo(ctx).TaskQueueName),
		ScheduleToCloseTimeout: mailRetry,
		StartToCloseTimeout:    16 * time.Minute,
		HeartbeatTimeout:       heartbeatTimeout,
		RetryPolicy:            &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
		Summary:                summary,
	})
}

// noticeOptions are mailOptions for the notice, which is tried for patience. One attempt mails to
// every address of the account, so an attempt lasts as long as it sends heartbeats. A notice has
// priority over link mails in the queue: every visitor can request links.
func noticeOptions(ctx workflow.Context, patience time.Duration) workflow.Context {
	ctx = workflow.WithScheduleToCloseTimeout(mailOptions(ctx, "notify the owner"), patience)
	ctx = workflow.WithPriority(ctx, temporal.Priority{PriorityKey: 1}) // of 5; 3 without
	return workflow.WithStartToCloseTimeout(ctx, patience)
}

// recordOptions are for one line in the audit log, tried for a day.
func recordOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToCloseTimeout: recordRetry,
		StartToCloseTimeout:    30 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
		Summary:                summary,
	})
}

// tellOptions retry with back-off to five minutes: soon enough for an application that is started
// again. One attempt is a request of ten seconds at most. Every visitor can cause events, so they
// are behind everything else in the queue.
func tellOptions(ctx workflow.Context, patience time.Duration) workflow.Context {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToCloseTimeout: patience,
		StartToCloseTimeout:    30 * time.Second,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumInterval: 5 * time.Minute},
		Summary:                "tell the application an event",
	})
	return workflow.WithPriority(ctx, temporal.Priority{PriorityKey: 5}) // of 5; 3 without
}

// endOptions retry until the store answers: a caller waits for the outcome.
func endOptions(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:             "end the run in the store, and get its result",
	})
}

// changeOptions retry until the store answers. The activity itself refuses a submission or an order
// that is older than a day. One attempt is a few store transactions.
func changeOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		HeartbeatTimeout:    heartbeatTimeout,
		RetryPolicy:         &temporal.RetryPolicy{BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
		Summary:             summary,
	})
}
