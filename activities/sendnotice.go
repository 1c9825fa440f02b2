package activities

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
)

// errStopping ends an attempt whose worker stops.
var errStopping = errors.New("the worker stops: another one goes on")

// noteWait is how long the store may take to note the result of a mail, also while the worker
// stops.
const noteWait = 10 * time.Second

// sendNotice notifies the owner of an account that its password was changed, at every address that
// is still in the store's ledger. The ledger has the result of each mail. So no address is
// notified twice: by another attempt, a workflow reset, or a run that follows a terminated one. A
// refused recipient delays no other, and is tried again. The first attempt that reaches an address
// is the last one: the run goes on with the others.
func (a *Activities) sendNotice(ctx context.Context, asked flow.Notice) (flow.Delivery, error) {
	d := flow.Delivery{Notice: asked.Run}
	n, err := a.Store.Notice(ctx, asked.Run, asked.Submission)
	if errors.Is(err, account.ErrNotFound) {
		d.Withheld = flow.NoChange
		return d, nil
	}
	if err != nil {
		return d, err
	}
	n, err = a.mailNotice(ctx, n)
	switch {
	case n.Untold():
		d.Withheld = flow.MailFailed // it was given up
	case !n.Settled() && (n.Told == 0 || len(asked.To) > 0):
		return d, cmp.Or(err, a.tooEarly(n))
	default:
		d.Left = left(n)
	}
	return d, nil
}

func left(n account.Notice) (addresses []string) {
	for _, r := range n.Left {
		addresses = append(addresses, r.Address)
	}
	return addresses
}

// tooEarly ends an attempt without a due address, until one is due.
func (a *Activities) tooEarly(n account.Notice) error {
	wait := flow.NoticeDay
	for _, r := range n.Left {
		wait = min(wait, r.Next.Sub(a.Now()))
	}
	return temporal.NewApplicationErrorWithOptions("another copy of the notice has to wait", "too_early",
		temporal.ApplicationErrorOptions{NextRetryDelay: max(wait, time.Second)})
}

// mailNotice mails to each address that is left, once. It returns the notice after that, with the
// error of a failed one.
func (a *Activities) mailNotice(ctx context.Context, n account.Notice) (_ account.Notice, failed error) {
	for _, r := range n.Left {
		if err := ending(ctx); err != nil {
			return n, err
		}
		if r.Next.After(a.Now()) {
			continue
		}
		after, err := a.mailNoticeTo(ctx, n, r.Address)
		if after.Submission != "" {
			n = after
		}
		failed = cmp.Or(err, failed)
	}
	return n, failed
}

// mailNoticeTo mails to one address. The store notes the mail before it goes out, and its
// result after: a copy without a result may have gone out.
func (a *Activities) mailNoticeTo(ctx context.Context, n account.Notice, to string) (account.Notice, error) {
	defer heartbeat(ctx)()
	msg, err := a.writeNotice(n, to)
	if err != nil {
		return n, err
	}
	n, err = a.Store.Tell(ctx, n.Submission, account.TellBegun, to, a.Now().UTC())
	if _, still := n.Recipient(to); err != nil || !still {
		return n, err
	}
	failed := a.send(ctx, kindNotice, msg)
	noted, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWait)
	defer cancel()
	n, err = a.Store.Tell(noted, n.Submission, resultOf(failed), to, a.Now().UTC())
	return n, cmp.Or(err, failed)
}

func (a *Activities) writeNotice(n account.Notice, to string) (mail.Message, error) {
	address, id := account.Deliverable(to), a.messageID(noticeID(n, to))
	templates := a.Templates.In(n.Locale)
	if n.First {
		return templates.Set(address, id, mail.Set{At: n.Changed})
	}
	return templates.Changed(address, id, mail.Changed{At: n.Changed})
}

func resultOf(failed error) account.Telling {
	switch {
	case failed == nil:
		return account.TellDone
	case !unknown(failed):
		return account.TellNotSent
	default:
		return account.TellUnclear
	}
}

// GiveUpNotice records that the owner was not notified of a change: in the audit log and in the
// metric rekey_notices_failed. A notice that was not tried for its whole day is not given up; the
// result has the addresses that it has not reached.
func (a *Activities) GiveUpNotice(ctx context.Context, m flow.Mail) (flow.Delivery, error) {
	d, err := a.giveUp(ctx, m.Notice())
	return d, withType(ctx, err)
}

func (a *Activities) giveUp(ctx context.Context, asked flow.Notice) (flow.Delivery, error) {
	d := flow.Delivery{Notice: asked.Run}
	if err := checkSender(ctx, asked.Sender, asked.Run); err != nil {
		return d, err
	}
	n, err := a.Store.Notice(ctx, asked.Run, asked.Submission)
	switch {
	case errors.Is(err, account.ErrNotFound):
		return d, a.unknownNotice(ctx, asked)
	case err != nil:
		return d, err
	case n.Settled():
		return d, nil
	case n.Since.IsZero() || a.Now().Sub(n.Since) < flow.NoticeDay-time.Hour: // clocks differ
		d.Left = left(n)
		return d, nil
	}
	n, err = a.Store.Tell(ctx, n.Submission, account.TellGivenUp, "", a.Now().UTC())
	if err == nil && n.Untold() {
		a.counter(noticesFailed, nil).Inc(1)
		d.Tells = a.Receiver != nil
	}
	return d, err
}

// unknownNotice records that the owner was not notified of a change that the store does not
// remember, because it was restored from a backup. It records nothing of an account that is gone.
// That account was erased on demand, and a line would bring it back.
func (a *Activities) unknownNotice(ctx context.Context, asked flow.Notice) error {
	if _, err := a.Store.Account(ctx, asked.Account); errors.Is(err, account.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	a.counter(noticesFailed, nil).Inc(1)
	n := account.Notice{Run: asked.Run, AccountID: asked.Account}
	e := n.GivenUp(a.Now().UTC())
	e.Detail += ": the store remembers no such change"
	return a.Store.Record(ctx, e)
}

// ending is why an attempt should begin nothing more, nil as long as it may.
func ending(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-activity.GetWorkerStopChannel(ctx):
		return errStopping
	default:
		return nil
	}
}
