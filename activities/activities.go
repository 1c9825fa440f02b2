// Package activities holds the effects of a reset: what a run does to the world.
//
// They are send-email, await-token-submission, change-password, record-cancel, and, for what
// went wrong, end-reset and give-up-notice. All of them may run more than once, because a worker can die after an
// effect and before Temporal hears of it: a mail may repeat (under the same Message-ID)
// and so may a line of the audit log, a password change never does (the store remembers
// the submission).
//
// Error texts reach Temporal and logs, so they hold no address, token or hash.
package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/workflow"
)

// Mailer sends one mail. Its errors are a *mail.Error that says whether the mail may
// be on its way; of any other error nothing is kept, and the mail is tried again. It is
// safe for concurrent use, takes 15 minutes at most and gives up when ctx ends.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// Activities are the effects of resets and what they act upon. All fields but Upgrade and
// Metrics are required, and it is safe for concurrent use.
type Activities struct {
	Store       account.Store
	Mailer      Mailer
	Templates   *mail.Templates
	Links       *link.Box
	Submissions *keys.Opener
	MailLimit   int              // link mails of an account at once, see account.RoomForMail; operators may have three more sent
	MaxLinkLife time.Duration    // of a link, however long the run asks for
	Upgrade     Upgrade          // a format that the host reads beside those of its accounts
	Domain      string           // right side of Message-IDs
	Now         func() time.Time // the clock
	// Metrics counts mails (rekey_mail_attempts, rekey_mails_withheld), owners who were not
	// notified of a change (rekey_notices_failed) and verdicts (rekey_changes,
	// rekey_change_refusals); nil counts nothing.
	Metrics client.MetricsHandler
}

// Register makes all activities known to a worker under the names of package workflow.
func (a *Activities) Register(w worker.ActivityRegistry) {
	a.announce()
	a.RegisterMails(w)
	register(w, workflow.AwaitTokenSubmission, a.AwaitTokenSubmission)
	register(w, workflow.ChangePassword, a.ChangePassword)
	register(w, workflow.RecordCancel, a.RecordCancel)
	register(w, workflow.EndReset, a.EndReset)
	register(w, workflow.GiveUpNotice, a.GiveUpNotice)
}

// RegisterMails makes known what [workflow.MailQueue] holds. A worker of
// [workflow.TaskQueue] has it too: releases up to 0.2 schedule mails there.
func (a *Activities) RegisterMails(w worker.ActivityRegistry) {
	register(w, workflow.SendEmail, a.SendEmail)
}

func register(w worker.ActivityRegistry, name string, fn any) {
	w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
}
