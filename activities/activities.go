// Package activities holds the effects of a reset.
//
// They are send-email, await-token-submission, change-password and record-cancel. After failures
// there are end-reset and give-up-notice. For an application that wants events there is tell-host, and note-bounce for mails that bounced.
// A campaign of forced resets has count-accounts and list-accounts, which read only.
// All of them may run more than once, because a worker can die after an effect and before Temporal
// hears of it. A mail may repeat (under the same Message-ID), an event (under the same webhook-id),
// and a line of the audit log. A password change never repeats: the store
// remembers the submission.
//
// Error texts reach Temporal and logs, so they hold no address, token or hash.
package activities

import (
	"context"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/workflow"
)

// Mailer sends one mail. Its errors are a *mail.Error that says whether the mail may have gone
// out. Any other error is dropped, and the mail is tried again. It is safe for concurrent use,
// takes 15 minutes at most and gives up when ctx ends.
type Mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// Activities are the effects of resets and their dependencies. All fields but Upgrade, First, Receiver,
// Flows, Lister, AccountKeys, MessageIDs and Metrics are required, and it is safe for concurrent use.
type Activities struct {
	Store       account.Store
	Mailer      Mailer
	Templates   *mail.Templates
	Links       *link.Box
	Submissions *keys.Opener
	MailLimit   int               // link mails of an account at once, see account.RoomForMail; operators have three more
	MaxLinkLife time.Duration     // of a link, also when the run asks for more
	Upgrade     Upgrade           // a format that the host reads beside those of its accounts
	First       password.Hasher   // of first passwords; nil invites nobody
	Receiver    account.Receiver  // is told events; nil tells none
	WithAddress bool              // events have the address of the account
	NoOrigin    bool              // mails of resets do not say from where and when they were requested
	Flows       []Flow            // further ones, beside those of rekey
	Lister      account.Lister    // lists the accounts of Store, for campaigns; nil lists none
	AccountKeys *keys.AccountKeys // makes the workflow IDs of a campaign's accounts; nil makes none
	Domain      string            // right side of Message-IDs
	MessageIDs  *keys.MessageIDs  // makes the left side for mails with links; nil makes none that a bounce can name
	Now         func() time.Time  // the clock
	// Metrics counts mails (rekey_mail_attempts, rekey_mails_withheld) and owners who were not
	// notified of a change (rekey_notices_failed). It counts verdicts too (rekey_changes,
	// rekey_change_refusals), and events (rekey_event_attempts, rekey_events_failed); nil counts
	// nothing.
	Metrics client.MetricsHandler

	telling atomic.Int64 // calls of Receiver in progress
}

// Register makes all activities known to a worker under the names of package workflow.
func (a *Activities) Register(w worker.ActivityRegistry) {
	a.announce()
	a.RegisterMails(w)
	register(w, flow.AwaitTokenSubmission, a.AwaitTokenSubmission)
	register(w, flow.ChangePassword, a.ChangePassword)
	register(w, flow.RecordCancel, a.RecordCancel)
	register(w, flow.EndReset, a.EndReset)
	register(w, flow.GiveUpNotice, a.GiveUpNotice)
	register(w, flow.TellHost, a.TellHost)
	register(w, flow.NoteBounce, a.NoteBounce)
	register(w, workflow.BlockPassword, a.BlockPassword)
	register(w, workflow.CountAccounts, a.CountAccounts)
	register(w, workflow.ListAccounts, a.ListAccounts)
}

// RegisterMails registers the activities of [flow.MailQueue]. A worker of [flow.TaskQueue]
// has them too: releases up to 0.2 schedule mails there.
func (a *Activities) RegisterMails(w worker.ActivityRegistry) {
	register(w, flow.SendEmail, a.SendEmail)
}

func register(w worker.ActivityRegistry, name string, fn any) {
	w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
}
