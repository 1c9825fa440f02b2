package activities

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/workflow"
)

// SendEmail mails a link, or the notice that a password was changed. An error means
// that it should be tried again; a mail that is never to go out is a [workflow.Delivery]
// with the reason.
func (a *Activities) SendEmail(ctx context.Context, m workflow.Mail) (workflow.Delivery, error) {
	if m.Account != "" {
		return a.sendNotice(ctx, m)
	}
	return a.sendLink(ctx, m)
}

// sendLink finds the account, records a fresh token and mails it to the address in
// the store. Every attempt makes a new token, so that no plaintext waits anywhere; the
// token's record is written before the mail goes out, and taken back only when the
// mail definitely did not.
func (a *Activities) sendLink(ctx context.Context, m workflow.Mail) (workflow.Delivery, error) {
	owner, withheld, err := a.resettable(ctx, m.Address)
	if err != nil {
		return workflow.Delivery{}, err
	}
	if withheld != "" {
		return a.withhold(ctx, m, owner, withheld)
	}
	l, err := a.newLinks(ctx, m, owner)
	if err != nil {
		return workflow.Delivery{}, err
	}
	err = a.Store.IssueToken(ctx, l.record, a.MailLimit)
	if errors.Is(err, account.ErrMailLimit) {
		return a.withhold(ctx, m, owner, workflow.MailLimit)
	}
	if err != nil {
		return workflow.Delivery{}, err
	}
	return a.mailLink(ctx, m, owner, l)
}

// resettable finds the one account that has the address and may be reset; otherwise
// it says why there is none. Addresses are compared again here, because a database's
// idea of equal may be wider (Django CVE-2019-19844).
func (a *Activities) resettable(ctx context.Context, address string) (account.Account, workflow.Reason, error) {
	found, err := a.Store.Find(ctx, address)
	if err != nil {
		return account.Account{}, "", err
	}
	matches := slices.DeleteFunc(found, func(f account.Account) bool {
		return !account.SameAddress(f.Address, address)
	})
	switch {
	case len(matches) == 0:
		return account.Account{}, workflow.NoAccount, nil
	case len(matches) > 1:
		return account.Account{}, workflow.Ambiguous, nil
	case matches[0].Disabled:
		return matches[0], workflow.Disabled, nil
	case !matches[0].Resettable || matches[0].Credential == "":
		return matches[0], workflow.NotResettable, nil
	}
	return matches[0], "", nil
}

// links are the two links of one mail and the record that makes the first one count.
type links struct {
	reset, cancel string
	record        account.Token
}

// newLinks seals both links for the run that is waiting. The link's life starts now,
// with the attempt, so a slow mail server never delivers a dead link.
func (a *Activities) newLinks(ctx context.Context, m workflow.Mail, owner account.Account) (links, error) {
	run := activity.GetInfo(ctx).WorkflowExecution
	now := a.Now().UTC()
	claims := link.Claims{
		RunID: run.RunID, AccountKey: workflow.AccountKey(run.ID),
		Expires: now.Add(m.Life).Truncate(time.Second), Address: owner.Address,
	}
	reset, err := a.Links.Seal(link.Reset, claims)
	if err != nil {
		return links{}, err
	}
	cancel, err := a.Links.Seal(link.Cancel, claims)
	if err != nil {
		return links{}, err
	}
	return links{
		reset: a.Links.URL(link.Reset, reset), cancel: a.Links.URL(link.Cancel, cancel),
		record: account.Token{
			Key: link.RecordKey(reset.Digest()), Scope: account.ScopePasswordReset,
			AccountID: owner.ID, Address: owner.Address,
			Credential: account.CredentialDigest(owner.Credential),
			Run:        m.Run, Mail: mailID(m, 0), Issued: now, Expires: claims.Expires,
		},
	}, nil
}

func (a *Activities) mailLink(ctx context.Context, m workflow.Mail, owner account.Account, l links) (workflow.Delivery, error) {
	msg, err := a.Templates.Reset(owner.Address, a.messageID(m, 0), mail.Reset{URL: l.reset, CancelURL: l.cancel, Life: m.Life})
	if err != nil {
		return workflow.Delivery{}, err
	}
	err = a.Mailer.Send(ctx, msg)
	if notSent(err) {
		if err := a.Store.RevokeToken(ctx, l.record.Key, a.Now().UTC()); err != nil {
			return workflow.Delivery{}, err
		}
	}
	if refused(err) {
		return a.withhold(ctx, m, owner, workflow.MailRefused)
	}
	return workflow.Delivery{Expires: l.record.Expires}, err
}

// withhold notes for the operators that an account gets no mail.
func (a *Activities) withhold(ctx context.Context, m workflow.Mail, owner account.Account, why workflow.Reason) (workflow.Delivery, error) {
	err := a.Store.Record(ctx, account.Entry{
		At: a.Now().UTC(), Event: account.EventMailWithheld, Run: m.Run,
		AccountID: owner.ID, Client: m.Client, Detail: string(why),
	})
	return workflow.Delivery{Withheld: why}, err
}

// sendNotice tells every address of the account that its password was changed. A
// recipient that the mail server refuses does not keep the others from being told.
func (a *Activities) sendNotice(ctx context.Context, m workflow.Mail) (workflow.Delivery, error) {
	owner, err := a.Store.Account(ctx, m.Account)
	if errors.Is(err, account.ErrNotFound) {
		return workflow.Delivery{Withheld: workflow.NoAccount}, nil
	}
	if err != nil {
		return workflow.Delivery{}, err
	}
	told, failed := 0, error(nil)
	for i, to := range append([]string{owner.Address}, owner.Notify...) {
		msg, err := a.Templates.Changed(to, a.messageID(m, i), mail.Changed{At: m.Changed})
		if err == nil {
			err = a.Mailer.Send(ctx, msg)
		}
		switch {
		case err == nil:
			told++
		case !refused(err):
			failed = err
		}
	}
	if failed == nil && told == 0 {
		return workflow.Delivery{Withheld: workflow.MailRefused}, nil
	}
	return workflow.Delivery{}, failed
}

// mailID names a mail: the same on all its attempts, so that a repeated one can be
// told from a second one.
func mailID(m workflow.Mail, recipient int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "rekey/v1 mail|%s|%d|%d", m.Run, m.Number, recipient))
	return hex.EncodeToString(sum[:16])
}

func (a *Activities) messageID(m workflow.Mail, recipient int) string {
	return mailID(m, recipient) + "@" + a.Domain
}

// notSent means that the mail server definitely did not take the mail.
func notSent(err error) bool {
	var e *mail.Error
	return errors.As(err, &e) && e.Outcome != mail.Unknown
}

// refused means that trying again is pointless.
func refused(err error) bool {
	var e *mail.Error
	return errors.As(err, &e) && e.Outcome == mail.Refused
}
