package activities

import (
	"context"
	"errors"
	"slices"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/workflow"
)

// errStopping ends an attempt whose worker stops.
var errStopping = errors.New("the worker stops: another one goes on")

// progress is what an attempt of a notice leaves to the next, in the heartbeat details:
// they are sealed as every payload is. Whom to tell is decided once, so that nobody
// escapes the notice who takes addresses off the account after it was reset.
type progress struct {
	Notice string   // which one it is about: what was recorded elsewhere can be copied here
	Left   []string // addresses to tell; the next one is the first
	Told   int
}

// sendNotice tells every address of the account that its password was changed, or those
// that the notice is still owed to. A recipient that the mail server refuses does not keep
// the others from being told, nor does one that it defers, and nobody is told again because
// of another. The first attempt that has told somebody is the last one: the run owes the
// rest.
func (a *Activities) sendNotice(ctx context.Context, m workflow.Mail) (workflow.Delivery, error) {
	d := workflow.Delivery{Notice: m.Run}
	p, err := a.begun(ctx, m)
	if errors.Is(err, account.ErrNotFound) {
		d.Withheld = workflow.NoAccount
		return d, nil
	}
	if err != nil {
		return d, err
	}
	err = a.tell(ctx, m, p)
	switch {
	case err == nil && p.Told == 0:
		d.Withheld = workflow.MailRefused
	case err != nil && (p.Told == 0 || len(m.To) > 0):
		return d, err
	default:
		d.Left = p.Left
	}
	return d, nil
}

// begun is how far earlier attempts have come. Details that are not of this notice are
// as none: anyone who may talk to Temporal can record a heartbeat.
func (a *Activities) begun(ctx context.Context, m workflow.Mail) (*progress, error) {
	var p progress
	if err := activity.GetHeartbeatDetails(ctx, &p); err == nil && p.Notice == mailID(m, "") {
		return &p, nil
	}
	if len(m.To) > 0 {
		return &progress{Notice: mailID(m, ""), Left: m.To}, nil
	}
	owner, err := a.Store.Account(ctx, m.Account)
	if err != nil {
		return nil, err
	}
	p = progress{Notice: mailID(m, ""), Left: []string{owner.Address}}
	for _, to := range owner.Notify {
		known := func(other string) bool { return account.SameAddress(other, to) }
		if !slices.ContainsFunc(p.Left, known) {
			p.Left = append(p.Left, to)
		}
	}
	return &p, nil
}

// tell tries each address that is left, once. One that was tried in vain goes to the
// end, behind those whose turn has not come, and its error is returned. One address that
// is told at once, which is the rule, costs no heartbeat.
func (a *Activities) tell(ctx context.Context, m workflow.Mail, p *progress) (failed error) {
	for range p.Left {
		if err := ending(ctx); err != nil {
			return err
		}
		to := p.Left[0]
		err := a.tellOne(ctx, m, *p)
		p.Left = p.Left[1:]
		switch {
		case err == nil:
			p.Told++
		case !refused(err):
			p.Left, failed = append(p.Left, to), err
		}
		if len(p.Left) > 0 {
			activity.RecordHeartbeat(ctx, p)
		}
	}
	return failed
}

// tellOne tells the next address. Meanwhile it is the next one still.
func (a *Activities) tellOne(ctx context.Context, m workflow.Mail, p progress) error {
	defer beating(ctx, p)()
	to := p.Left[0]
	msg, err := a.Templates.Changed(account.Deliverable(to), a.messageID(m, to), mail.Changed{At: m.Changed})
	if err != nil {
		return err
	}
	return a.send(ctx, kindNotice, msg)
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
