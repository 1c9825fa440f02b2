package activities

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/workflow"
)

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
	msg, record, err := a.compose(ctx, m, owner)
	if errors.Is(err, password.ErrUnsupported) {
		activity.GetLogger(ctx).Warn("no link is mailed: rekey makes no hash that the account's sign-in reads (docs/operations.md, hash_unsupported)")
		return a.withhold(ctx, m, owner, workflow.HashUnsupported)
	}
	if err != nil {
		return workflow.Delivery{}, err
	}
	err = a.Store.IssueToken(ctx, record, a.mailLimit(m))
	if errors.Is(err, account.ErrMailLimit) {
		return a.withhold(ctx, m, owner, workflow.MailLimit)
	}
	if err != nil {
		return workflow.Delivery{}, err
	}
	err = a.send(ctx, kindLink, msg)
	if notSent(err) {
		if err := a.Store.RevokeToken(ctx, record.Key, a.Now().UTC()); err != nil {
			return workflow.Delivery{}, err
		}
	}
	if refused(err) {
		return a.withhold(ctx, m, owner, workflow.MailRefused)
	}
	return workflow.Delivery{Expires: record.Expires}, err
}

// operatorMails is how many mails over the daily limit operators may have sent to an account.
// There is an end to them too: whoever may write to Temporal can copy an operator's sealed
// request.
const operatorMails = workflow.MaxMails

// mailLimit is how many mails of the last 24 hours leave room for this one.
func (a *Activities) mailLimit(m workflow.Mail) int {
	if m.Operator != "" {
		return a.MailLimit + operatorMails
	}
	return a.MailLimit
}

// resettable finds the one account that has the address and may be reset; otherwise
// it says why there is none. An account that is closed is not in the way of one that is
// not, as when its owner signed up anew. Addresses are compared again here, because a database's
// idea of equal may be wider (Django CVE-2019-19844).
func (a *Activities) resettable(ctx context.Context, address string) (account.Account, workflow.Reason, error) {
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
		return account.Account{}, workflow.NoAccount, nil
	case len(matches) > 1:
		return account.Account{}, workflow.Ambiguous, nil
	case matches[0].Disabled:
		return matches[0], workflow.Disabled, nil
	case !matches[0].Resettable || !matches[0].HasPassword():
		return matches[0], workflow.NotResettable, nil
	}
	return matches[0], "", nil
}

// compose writes the mail with both links for the run that is waiting, and the record
// that makes the first link count. The link's life starts now, with the attempt, so a
// slow mail server never delivers a dead link. Error: password.ErrUnsupported.
func (a *Activities) compose(ctx context.Context, m workflow.Mail, owner account.Account) (mail.Message, account.Token, error) {
	run := activity.GetInfo(ctx).WorkflowExecution
	now := a.Now().UTC()
	claims := link.Claims{
		RunID: run.RunID, AccountKey: workflow.AccountKey(run.ID),
		Expires: now.Add(m.Life).Truncate(time.Second), Address: owner.Address,
	}
	cancel, err := a.Links.Seal(link.Cancel, claims)
	if err != nil {
		return mail.Message{}, account.Token{}, err
	}
	if claims.Hash, err = a.Upgrade.hashing(owner); err != nil {
		return mail.Message{}, account.Token{}, err
	}
	reset, err := a.Links.Seal(link.Reset, claims)
	if err != nil {
		return mail.Message{}, account.Token{}, err
	}
	msg, err := a.Templates.Reset(account.Deliverable(owner.Address), a.messageID(m, ""), mail.Reset{
		URL: a.Links.URL(link.Reset, reset), CancelURL: a.Links.URL(link.Cancel, cancel), Life: m.Life,
	})
	return msg, account.Token{
		Key: link.RecordKey(reset.Digest()), Scope: account.ScopePasswordReset,
		AccountID: owner.ID, Address: owner.Address,
		Credential: account.CredentialDigest(owner.Credential),
		Run:        m.Run, Mail: mailID(m, ""), Client: m.Client, Operator: m.Operator,
		Issued: now, Expires: claims.Expires,
	}, err
}

// withhold notes for the operators that an account gets no mail.
func (a *Activities) withhold(ctx context.Context, m workflow.Mail, owner account.Account, why workflow.Reason) (workflow.Delivery, error) {
	a.counter(mailsWithheld, map[string]string{"reason": string(why)}).Inc(1)
	err := a.Store.Record(ctx, account.Entry{
		At: a.Now().UTC(), Event: account.EventMailWithheld, Run: m.Run,
		AccountID: owner.ID, Client: m.Client, Operator: m.Operator, Detail: string(why),
	})
	return workflow.Delivery{Withheld: why}, err
}
