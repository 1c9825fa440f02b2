package activities

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
)

// The pauses before the further copies of a mail that may have arrived. An owner waits for the
// first of them, and a broken mail server is soon back. A server that loses its answers for longer
// gets time.
const (
	secondCopyAfter = 30 * time.Second
	lastCopyAfter   = 15 * time.Minute
)

// revokeWait is how long a token is revoked for when its attempt is over.
const revokeWait = 10 * time.Second

// sendLink finds the account, records a fresh token and mails it to the address in the store.
// Every attempt makes a new token, so that no plaintext waits anywhere. The token's record is
// written before the mail goes out, and revoked only when the mail definitely did not. The other
// records are the copies that may have arrived, and their number is bounded.
func (a *Activities) sendLink(ctx context.Context, m flow.LinkMail) (flow.Delivery, error) {
	f, err := a.flow(m.Flow)
	if err != nil {
		return flow.Delivery{}, err
	}
	owner, withheld, err := a.owner(ctx, m.Address, f.Withheld)
	if err != nil {
		return flow.Delivery{}, err
	}
	d, err := a.sendLinkTo(ctx, f, m, owner, withheld)
	if a.Receiver != nil {
		d.Tells, d.Account = true, owner.ID
	}
	return d, err
}

func (a *Activities) sendLinkTo(ctx context.Context, f Flow, m flow.LinkMail, owner account.Account, withheld flow.Reason) (flow.Delivery, error) {
	if withheld != "" {
		return a.withhold(ctx, m, owner, flow.Delivery{Withheld: withheld})
	}
	content, record, err := a.links(ctx, f, m, owner)
	if errors.Is(err, password.ErrUnsupported) {
		activity.GetLogger(ctx).Warn("no link is mailed: rekey makes no hash that the account's sign-in reads (docs/operations/postgresql.md, hash_unsupported)")
		return a.withhold(ctx, m, owner, flow.Delivery{Withheld: flow.HashUnsupported})
	}
	if err != nil {
		return flow.Delivery{}, err
	}
	issued, err := a.Store.IssueToken(ctx, record, a.mailLimit(m))
	if why := enough(issued, err); why != "" {
		return a.withhold(ctx, m, owner, flow.Delivery{Withheld: why, Expires: issued.Expires.UTC()})
	}
	if err != nil {
		return flow.Delivery{}, err
	}
	content.Asked = issued.Asked
	err = a.mailLink(ctx, f, m, owner, content)
	switch {
	case err == nil:
		return flow.Delivery{Expires: record.Expires}, nil
	case !unknown(err):
		return a.takeBack(ctx, m, owner, record, err)
	case issued.Copy >= account.MailCopies:
		return a.withhold(ctx, m, owner, flow.Delivery{Withheld: flow.MailUnknown, Expires: record.Expires})
	default:
		return flow.Delivery{}, copyLater(err, issued.Copy)
	}
}

// enough is why no token was issued, "" for another error and for none. Over the limit nothing is
// mailed, unless copies may have arrived before.
func enough(issued account.Issued, err error) flow.Reason {
	switch {
	case !errors.Is(err, account.ErrMailLimit) && !errors.Is(err, account.ErrTooManyCopies):
		return ""
	case issued.Copy > 1:
		return flow.MailUnknown
	default:
		return flow.MailLimit
	}
}

// copyLater is the error of an attempt whose mail may have arrived: another copy goes out after a
// pause.
func copyLater(err error, copies int) error {
	pause := secondCopyAfter
	if copies > 1 {
		pause = lastCopyAfter
	}
	return temporal.NewApplicationErrorWithOptions(err.Error(), kindOf(err), temporal.ApplicationErrorOptions{NextRetryDelay: pause})
}

// takeBack revokes the token of a mail that definitely did not go out, also at the end of its
// attempt. A record that is left would count as a copy that may have arrived.
func (a *Activities) takeBack(ctx context.Context, m flow.LinkMail, owner account.Account, t account.TokenRecord, why error) (flow.Delivery, error) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeWait)
	defer cancel()
	if err := a.Store.RevokeToken(last, t.Key, a.Now().UTC()); err != nil {
		return flow.Delivery{}, err
	}
	if refused(why) {
		return a.withhold(ctx, m, owner, flow.Delivery{Withheld: flow.MailRefused})
	}
	return flow.Delivery{}, why
}

// operatorMails is how many mails above the limit operators may have sent to an account. They have
// a limit too: every client with write access to the namespace can copy an operator's sealed
// request.
const operatorMails = flow.MaxMails

// mailLimit is the size of the bucket that must have room for this mail.
func (a *Activities) mailLimit(m flow.LinkMail) int {
	if m.Operator != "" {
		return a.MailLimit + operatorMails
	}
	return a.MailLimit
}

// owner finds the one account that has the address and gets a link, or the reason why there is
// none. A closed account does not hide an open one of the same owner. Addresses are compared
// again here, because a database may fold more than ASCII (Django CVE-2019-19844).
func (a *Activities) owner(ctx context.Context, address string, withheld func(account.Account) flow.Reason) (account.Account, flow.Reason, error) {
	found, err := a.Store.Find(ctx, address)
	if err != nil {
		return account.Account{}, "", err
	}
	matches := slices.DeleteFunc(found, func(f account.Account) bool {
		return !account.SameAddress(f.Address, address)
	})
	if slices.ContainsFunc(matches, func(f account.Account) bool { return !f.Disabled }) {
		matches = slices.DeleteFunc(matches, func(f account.Account) bool { return f.Disabled })
	}
	switch {
	case len(matches) == 0:
		return account.Account{}, flow.NoAccount, nil
	case len(matches) > 1:
		return account.Account{}, flow.Ambiguous, nil
	}
	return matches[0], withheld(matches[0]), nil
}

// links makes both links for the waiting run, and the record that makes the first one count. The
// link's life starts now, with the attempt, so a slow mail server never delivers a dead link. The
// life is MaxLinkLife at most: a sealed input may come from a thief of the payload keyset. Error:
// password.ErrUnsupported.
func (a *Activities) links(ctx context.Context, f Flow, m flow.LinkMail, owner account.Account) (Link, account.TokenRecord, error) {
	purposes, content := link.Of(f.Kind), Link{Number: m.Number, Note: m.Note}
	content.From, content.AskedAt = a.origin(m)
	run := activity.GetInfo(ctx).WorkflowExecution
	now, life := a.Now().UTC(), min(m.Life, cmp.Or(f.MaxLife, a.MaxLinkLife))
	claims := link.Claims{
		RunID: run.RunID, AccountKey: flow.AccountKey(run.ID),
		Expires: now.Add(life).Truncate(time.Second), Address: owner.Address,
	}
	if a.Links.Has(purposes.Cancel) {
		cancel, err := a.Links.Seal(purposes.Cancel, claims)
		if err != nil {
			return content, account.TokenRecord{}, err
		}
		content.CancelURL = a.Links.URL(purposes.Cancel, cancel)
	}
	var err error
	if f.Hash != nil {
		if claims.Hash, err = f.Hash(owner); err != nil {
			return content, account.TokenRecord{}, err
		}
	}
	use, err := a.Links.Seal(purposes.Use, claims)
	content.URL, content.Life = a.Links.URL(purposes.Use, use), life
	return content, account.TokenRecord{
		Key: use.Digest().RecordKey(), Scope: f.Scope,
		AccountID: owner.ID, Address: owner.Address,
		Credential: account.CredentialDigest(owner.Credential),
		Run:        m.Run, Mail: linkID(m), Client: m.Client, Operator: m.Operator,
		Issued: now, Expires: claims.Expires,
	}, err
}

// origin is where and when a mail was requested, for its reader. It is unknown for requests of
// backends and operators, who have no address, and of starters of 0.2.0, which send no time.
//
// A sealed input may come from a thief of the payload keyset, so only an address is mailed.
func (a *Activities) origin(m flow.LinkMail) (from string, at time.Time) {
	client, err := netip.ParseAddr(m.Client)
	if a.NoOrigin || err != nil || m.Operator != "" || m.Asked.IsZero() {
		return "", time.Time{}
	}
	return client.WithZone("").String(), m.Asked
}

// mailLink writes a mail and hands it over.
func (a *Activities) mailLink(ctx context.Context, f Flow, m flow.LinkMail, owner account.Account, content Link) error {
	templates := a.Templates.In(owner.Locale, account.ParseLocale(m.Locale))
	msg, err := f.Mail(templates, account.Deliverable(owner.Address), a.linkMessageID(ctx, f, m), content)
	if err != nil {
		return err
	}
	return a.send(ctx, kindLink, msg)
}

// withhold notes for the operators that an account gets no mail, or no further copy of one. A
// stranger's request for an unknown address is counted only: strangers must not make the audit log
// grow.
func (a *Activities) withhold(ctx context.Context, m flow.LinkMail, owner account.Account, d flow.Delivery) (flow.Delivery, error) {
	a.counter(mailsWithheld, map[string]string{"reason": string(d.Withheld)}).Inc(1)
	if d.Withheld == flow.NoAccount && m.Operator == "" {
		return d, nil
	}
	return d, a.Store.Record(ctx, account.Entry{
		At: a.Now().UTC(), Event: account.EventMailWithheld, Run: m.Run,
		AccountID: owner.ID, Client: m.Client, Operator: m.Operator, Detail: string(d.Withheld),
	})
}
