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

	"github.com/rekeyhq/rekey/internal/span"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/workflow"
)

// SendEmail mails a link, or the notice that a password was changed. An error means
// that it should be tried again; a mail that is never to go out is a [workflow.Delivery]
// with the reason.
func (a *Activities) SendEmail(ctx context.Context, m workflow.Mail) (workflow.Delivery, error) {
	if err := ours(ctx, m.Sender, m.Run); err != nil {
		return workflow.Delivery{}, err
	}
	if m.Account != "" {
		d, err := a.sendNotice(ctx, m)
		return a.tellsWaiting(ctx, m, m.Run, d, err)
	}
	defer beating(ctx)()
	d, err := a.sendLink(ctx, m)
	d.Mail = m.Name()
	return a.tellsWaiting(ctx, m, m.Name(), d, err)
}

// ours is nil for an activity of the run that its input is for. Whoever may write to Temporal
// can copy a sealed input to a run of their own, as often as they like. What 0.1.0 began
// names no sender.
func ours(ctx context.Context, sender, run string) error {
	if activity.GetInfo(ctx).WorkflowExecution.RunID == cmp.Or(sender, run) {
		return nil
	}
	return temporal.NewNonRetryableApplicationError("the input is another run's", "foreign_input", nil)
}

// send hands a mail over. Its error is always a *mail.Error: what another Mailer than
// ours says may quote the address or the link, and the SDK logs errors in clear. Of a
// failure that is not explained, it is not known whether the mail went out.
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

// unknown means that the mail server may have taken the mail.
func unknown(err error) bool {
	e, ok := errors.AsType[*mail.Error](err)
	return ok && e.Outcome == mail.Unknown
}

// refused means that trying again is pointless.
func refused(err error) bool {
	e, ok := errors.AsType[*mail.Error](err)
	return ok && e.Outcome == mail.Refused
}

// mailID names a mail: the same on all its attempts, so that a repeated one can be
// told from a second one. One notice is several mails, one to each address. A link mail is
// another one after a workflow reset, which would otherwise mail one link after the other
// that count as one.
func mailID(m workflow.Mail, to string) string {
	of := m.Run
	if m.Account == "" {
		of = cmp.Or(m.Sender, m.Run)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "rekey/v1 mail|%s|%d|%s", of, m.Number, to))
	return hex.EncodeToString(sum[:16])
}

func (a *Activities) messageID(m workflow.Mail, to string) string {
	return mailID(m, to) + "@" + a.Domain
}
