package activities

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/span"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/mail"
)

// SendEmail mails a link, or the notice that a password was changed. An error means a retry. A
// mail that is never to go out is a [flow.Delivery] with the reason.
func (a *Activities) SendEmail(ctx context.Context, m flow.Mail) (flow.Delivery, error) {
	if err := checkSender(ctx, m.Sender, m.Run); err != nil {
		return flow.Delivery{}, err
	}
	if m.Account != "" {
		d, err := a.sendNotice(ctx, m.Notice())
		return a.reportWaiting(ctx, m, m.Run, d, err)
	}
	defer heartbeat(ctx)()
	link := m.LinkMail()
	d, err := a.sendLink(ctx, link)
	d.Mail = link.Name()
	return a.reportWaiting(ctx, m, link.Name(), d, err)
}

// checkSender is nil for an activity of the run that its input is for. Every client with write
// access to the namespace can copy a sealed input to a run of their own, any number of times.
// Inputs of 0.1.0 name no sender.
func checkSender(ctx context.Context, sender, run string) error {
	if activity.GetInfo(ctx).WorkflowExecution.RunID == cmp.Or(sender, run) {
		return nil
	}
	return temporal.NewNonRetryableApplicationError("the input is another run's", "foreign_input", nil)
}

// send hands a mail over. Its error is always a *mail.Error: the errors of another Mailer may
// quote the address or the link, and the SDK logs errors in clear. After another error it is
// unknown whether the mail went out.
func (a *Activities) send(ctx context.Context, kind string, m mail.Message) error {
	ctx, end := span.Start(ctx, "mail "+kind)
	err := explained(a.Mailer.Send(ctx, m))
	end(a.countMail(ctx, kind, err), err != nil)
	return err
}

func explained(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*mail.Error](err); ok {
		return e
	}
	return &mail.Error{Outcome: mail.Unknown, Step: "mailer"}
}

// unknown means that the mail server may have accepted the mail.
func unknown(err error) bool {
	e, ok := errors.AsType[*mail.Error](err)
	return ok && e.Outcome == mail.Unknown
}

// refused means that a retry is pointless.
func refused(err error) bool {
	e, ok := errors.AsType[*mail.Error](err)
	return ok && e.Outcome == mail.Refused
}

// linkID names a link mail. It is the same on all its attempts, which tells a repeated mail from a
// second one. It changes with a workflow reset, which would otherwise mail several links that
// count as one.
func linkID(m flow.LinkMail) string { return mailID(cmp.Or(m.Sender, m.Run), m.Number, "") }

// noticeID names the mail of a notice to one address. A run that was reset may change a password
// twice.
func noticeID(n account.Notice, to string) string { return mailID(n.Run+"/"+n.Submission, 0, to) }

func mailID(of string, number int, to string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "rekey/v1 mail|%s|%d|%s", of, number, to))
	return hex.EncodeToString(sum[:16])
}

// linkMessageID is the Message-ID of a link mail, the same on all its attempts. It is sealed, so
// that a starter finds the run of a mail that bounces.
func (a *Activities) linkMessageID(ctx context.Context, f Flow, m flow.LinkMail) string {
	name := linkID(m)
	if a.MessageIDs == nil {
		return a.messageID(name)
	}
	run := cmp.Or(m.Sender, m.Run)
	sealed, err := a.MessageIDs.Seal(keys.LinkMail{
		Flow: f.Kind, AccountKey: flow.AccountKey(activity.GetInfo(ctx).WorkflowExecution.ID), RunID: run, Name: name,
	})
	if err != nil {
		return a.messageID(name) // no bounce can name it
	}
	return a.messageID(sealed)
}

func (a *Activities) messageID(mailID string) string { return mailID + "@" + a.Domain }
