package activities

import (
	"context"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
)

// NoteBounce records a mail that bounced, or about which its reader complained. After a complaint
// the account gets no link mail for a day ([account.MailRest]). An address of several accounts, or
// of none, leaves no record.
func (a *Activities) NoteBounce(ctx context.Context, b flow.Bounced) error {
	return withType(ctx, a.noteBounce(ctx, b))
}

func (a *Activities) noteBounce(ctx context.Context, b flow.Bounced) error {
	if err := checkSender(ctx, b.Sender, b.Run); err != nil {
		return err
	}
	owner, _, err := a.owner(ctx, b.Address, func(account.Account) flow.Reason { return "" })
	if err != nil || owner.ID == "" {
		return err
	}
	e := account.Entry{At: b.At.UTC(), Event: account.EventMailBounced, Run: b.Run, AccountID: owner.ID}
	if b.Kind != flow.MailComplaint {
		return a.Store.Record(ctx, e)
	}
	e.Event = account.EventMailComplaint
	return a.Store.Complained(ctx, e)
}
