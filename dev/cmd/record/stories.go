package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/worker"
	"github.com/rekeyhq/rekey/workflow"
)

// unused are the stories in which no link is used.
func unused() []story {
	return []story{
		one("expired", forgets, ends(statemachine.StateExpired), withheld(""), mails(1), signals(workflow.RequestSignal, 1), fires),
		one("expired-late-second-mail", lateMail, ends(statemachine.StateExpired), withheld(""), mails(2), overdueMail),
		{name: "asked-after-the-last-link", act: afterTheLast, runs: []run{
			{"asked-after-the-last-link", []rule{continued(statemachine.StateExpired), mails(workflow.MaxMails)}},
			{"asked-after-the-last-link-continued", []rule{continues, ends(statemachine.StateExpired)}},
		}},
		one("withheld-no-account", asks, ends(statemachine.StateExpired), withheld(workflow.NoAccount)).
			with(func(a *account.Account) { a.ID = "" }),
		one("withheld-mail-limit", hadMails, ends(statemachine.StateExpired), withheld(workflow.MailLimit)),
		one("withheld-mail-refused", refusedMail, ends(statemachine.StateExpired), withheld(workflow.MailRefused)),
	}
}

// forgets has a link and does nothing.
func forgets(ctx context.Context, o *owner) error {
	if err := o.ask(ctx); err != nil {
		return err
	}
	_, err := o.token(ctx, 1, changePage)
	return err
}

// afterTheLast asks when the last link that a run mails has ended, and the run is still open.
func afterTheLast(ctx context.Context, o *owner) error {
	if _, err := o.links(ctx, workflow.MaxMails); err != nil {
		return err
	}
	ended := func(h *historypb.History) bool {
		last := h.GetEvents()[len(h.GetEvents())-1].GetEventTime().AsTime()
		return time.Since(last) > 2*time.Second // twice the link's life
	}
	if err := o.until(ctx, ended); err != nil {
		return err
	}
	if err := o.ask(ctx); err != nil {
		return err
	}
	_, err := o.token(ctx, workflow.MaxMails+1, changePage)
	return err
}

// asks is all that somebody does who gets no mail.
func asks(ctx context.Context, o *owner) error { return o.ask(ctx) }

func hadMails(ctx context.Context, o *owner) error {
	for n := range worker.DefaultMailLimit {
		name := fmt.Sprint(o.who.ID, n)
		_, err := o.Store.IssueToken(ctx, account.Token{
			Key: sha256.Sum256([]byte(name)), Scope: account.ScopePasswordReset, AccountID: o.who.ID, Address: o.who.Address,
			Run: "of earlier runs", Mail: name, Issued: time.Now(), Expires: time.Now().Add(time.Minute),
		}, worker.DefaultMailLimit)
		if err != nil {
			return err
		}
	}
	return o.ask(ctx)
}

func refusedMail(ctx context.Context, o *owner) error {
	o.fail(o.who.Address, func(inbox.Message) error { return inbox.Reply(552, "the mailbox takes no more") })
	return o.ask(ctx)
}

// used are the stories in which somebody does something about a link.
func used() []story { return slices.Concat(byOwners(), notices(), strangers(), byOperators()) }

func byOwners() []story {
	const completed, calledOff = statemachine.StateCompleted, statemachine.StateCanceled
	return []story{
		one("happy", happy, ends(completed), nothingElse),
		one("late-double-submission", twice, ends(completed), nothingElse),
		one("resent-second-link", resent(2), ends(completed), mails(2), signals(workflow.RequestSignal, 2), not(stopsMail)),
		one("resent-first-link", resent(1), ends(completed), mails(2), signals(workflow.RequestSignal, 2), not(stopsMail)),
		one("resent-to-the-limit", toTheLimit, ends(completed), mails(3), signals(workflow.RequestSignal, 4)),
		one("change-stops-mail", changedMeanwhile, ends(completed), stopsMail),
		one("canceled-by-owner", canceled, ends(calledOff), signals(workflow.DisownSignal, 1), not(stopsMail)),
		one("cancel-stops-mail", canceledMeanwhile, ends(calledOff), stopsMail),
		one("canceled-by-operator", canceledInTemporal, ends(calledOff), cancelRequested, not(workers), not(continues)),
		one("refused", refused, ends(statemachine.StateRefused), saysWhy),
		one("mail-retried", retried, ends(completed), repeats(workflow.SendEmail, 1, becauseItFailed), schedules(workflow.SendEmail, 2)),
		{name: "late-request", act: late, runs: []run{
			{"late-request", []rule{continued(completed), schedules(workflow.SendEmail, 2), not(workers)}},
			{"late-request-continued", []rule{continues, ends(completed), schedules(workflow.SendEmail, 2)}},
		}},
	}
}

// happy asks, and uses the link of the first mail.
func happy(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	return o.submit(ctx, token, newPassword, "")
}

// first asks and waits for the link of the first mail.
func (o *owner) first(ctx context.Context) (string, error) {
	if err := o.ask(ctx); err != nil {
		return "", err
	}
	return o.link(ctx, 1)
}

// twice submits again when the run is over: the same is okay, another password has lost,
// and neither leaves an event.
func twice(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	if err := o.submit(ctx, token, newPassword, ""); err != nil {
		return err
	}
	before, err := o.ended(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(o.submit(ctx, token, newPassword, ""), o.submit(ctx, token, otherPassword, "link_used")); err != nil {
		return err
	}
	return o.until(ctx, func(h *historypb.History) bool { return len(h.GetEvents()) == len(before[0].GetEvents()) })
}

// resent uses the link of the n-th of two mails.
func resent(n int) func(context.Context, *owner) error {
	return func(ctx context.Context, o *owner) error {
		tokens, err := o.links(ctx, 2)
		if err != nil {
			return err
		}
		return o.submit(ctx, tokens[n-1], newPassword, "")
	}
}

// links asks n times and waits for the link of each mail.
func (o *owner) links(ctx context.Context, n int) ([]string, error) {
	tokens := make([]string, n)
	for i := range tokens {
		err := o.ask(ctx)
		if err == nil {
			tokens[i], err = o.link(ctx, i+1)
		}
		if err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// toTheLimit asks once more than a run mails.
func toTheLimit(ctx context.Context, o *owner) error {
	tokens, err := o.links(ctx, workflow.MaxMails)
	if err != nil {
		return err
	}
	return inOrder(ctx, o.ask, o.heard, o.submits(tokens[workflow.MaxMails-1]))
}

func canceled(ctx context.Context, o *owner) error {
	if _, err := o.first(ctx); err != nil {
		return err
	}
	return o.cancel(ctx)
}

// cancel uses the link for "this wasn't me" of the first mail.
func (o *owner) cancel(ctx context.Context) error {
	token, err := o.token(ctx, 1, cancelPage)
	if err != nil {
		return err
	}
	a, err := o.post(ctx, "/account/cancel_reset", map[string]string{"token": token})
	return expect(a, "", err)
}

func canceledInTemporal(ctx context.Context, o *owner) error {
	if _, err := o.first(ctx); err != nil {
		return err
	}
	return o.cancelInTemporal(ctx)
}

func (o *owner) cancelInTemporal(ctx context.Context) error {
	return o.temporal.CancelWorkflow(ctx, o.workflow, "")
}

// refused is an account that is disabled after the mail.
func refused(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	now := o.who
	now.Disabled = true
	if err := o.Store.Put(ctx, now); err != nil {
		return err
	}
	return o.submit(ctx, token, newPassword, "change_refused")
}

func retried(ctx context.Context, o *owner) error {
	o.fail(o.who.Address, inbox.Next(inbox.Reply(451, "try again later")))
	return happy(ctx, o)
}

// late asks again while the owner is being told, and uses the link that comes of it.
func late(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	came, release := o.hold(nil)
	defer release()
	if err := o.submit(ctx, token, newPassword, ""); err != nil {
		return err
	}
	if err := inOrder(ctx, await(came, "the notice"), o.ask); err != nil {
		return err
	}
	release()
	second, err := o.linkOf(ctx, 3, 1) // link, notice, link
	if err != nil {
		return err
	}
	return o.submit(ctx, second, otherPassword, "")
}
