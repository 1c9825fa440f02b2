package e2e

import (
	"slices"
	"time"

	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/statemachine"
)

// unused are the stories in which no link is used.
func unused() []story {
	return []story{
		one("expired", forgets, ends(statemachine.StateExpired), withheld(""), mails(1), signals(flow.RequestSignal, 1), fires),
		one("expired-late-second-mail", lateMail, ends(statemachine.StateExpired), withheld(""), mails(2), overdueMail),
		{name: "asked-after-the-last-link", act: afterTheLast, runs: []storyRun{
			{name: "asked-after-the-last-link", rules: []rule{continued(statemachine.StateExpired), mails(flow.MaxMails)}},
			{name: "asked-after-the-last-link-continued", rules: []rule{continues, ends(statemachine.StateExpired)}},
		}},
		one("withheld-no-account", (*owner).ask, ends(statemachine.StateExpired), withheld(flow.NoAccount)).
			with(func(a *account.Account) { a.ID = "" }),
		one("withheld-mail-limit", hadAllMails, ends(statemachine.StateExpired), withheld(flow.MailLimit)),
		one("withheld-mail-refused", refusedMail, ends(statemachine.StateExpired), withheld(flow.MailRefused)),
	}
}

// forgets has a link and does nothing.
func forgets(o *owner) {
	o.ask()
	o.token(1)
}

// lateMail is a second mail that takes longer than the rest of the first link. It is taken at
// the seventh attempt, a minute after the first.
func lateMail(o *owner) {
	o.first()
	later := inbox.Reply(451, "try again later")
	o.fail(o.who.Address, inbox.Next(later, later, later, later, later, later))
	o.ask()
}

// afterTheLast requests a link when the last link of a run has ended, and the run is still
// open.
func afterTheLast(o *owner) {
	o.links(flow.MaxMails)
	o.until("the end of the last link", func(h *historypb.History) bool {
		last := h.GetEvents()[len(h.GetEvents())-1].GetEventTime().AsTime()
		return time.Since(last) > 2*time.Second // twice the link's life
	})
	o.ask()
	o.token(flow.MaxMails + 1)
}

func hadAllMails(o *owner) {
	hadMails(o.t, o.Stack, o.who)
	o.ask()
}

func refusedMail(o *owner) {
	o.fail(o.who.Address, func(inbox.Message) error { return inbox.Reply(552, "the mailbox takes no more") })
	o.ask()
}

// used are the stories in which a link gets a response.
func used() []story { return slices.Concat(byOwners(), byStrangers(), byOperators()) }

func byOwners() []story {
	const completed, calledOff = statemachine.StateCompleted, statemachine.StateCanceled
	return []story{
		one("happy", happy, ends(completed), nothingElse),
		one("late-double-submission", twice, ends(completed), nothingElse),
		one("resent-second-link", resent(1, 0), ends(completed), mails(2), signals(flow.RequestSignal, 2), not(stopsMail)),
		one("resent-first-link", resent(0, 1), ends(completed), mails(2), signals(flow.RequestSignal, 2), not(stopsMail)),
		one("resent-to-the-limit", toTheLimit, ends(completed), mails(3), signals(flow.RequestSignal, 4)),
		one("change-stops-mail", changedMeanwhile, ends(completed), stopsMail),
		one("canceled-by-owner", canceledByOwner, ends(calledOff), signals(flow.DisownSignal, 1), not(stopsMail)),
		one("cancel-stops-mail", canceledMeanwhile, ends(calledOff), stopsMail),
		one("refused", refused, ends(statemachine.StateRefused), saysWhy),
		one("mail-retried", retried, ends(completed), repeats(flow.SendEmail, 1, becauseItFailed), schedules(flow.SendEmail, 2)),
		{name: "late-request", act: late, runs: []storyRun{
			{name: "late-request", rules: []rule{continued(completed), schedules(flow.SendEmail, 2), not(workers)}},
			{name: "late-request-continued", rules: []rule{continues, ends(completed), schedules(flow.SendEmail, 2)}},
		}},
		one("notice-owed", owed, ends(completed), repeats(flow.SendEmail, 3, becauseItFailed)).with(backup),
		story{name: "notice-owed-late-request", act: owedLate, runs: []storyRun{
			{name: "notice-owed-late-request", rules: []rule{continued(completed), schedules(flow.SendEmail, 3)}},
			{name: "notice-owed-late-request-continued", rules: []rule{
				continues, ends(completed), repeats(flow.SendEmail, 1, becauseItFailed), schedules(flow.SendEmail, 3),
			}},
		}}.with(backup),
	}
}

// tells is a run that tells the application of the request and of the change.
var tells = schedules(flow.TellHost, 2)

// heard are the stories of which the application is told.
func heard() []story {
	return []story{one("told", happy, ends(statemachine.StateCompleted), tells, not(mailFails))}
}

// happy requests a link, and uses that of the first mail.
func happy(o *owner) { o.submit(o.first(), newPassword, "") }

// twice submits again when the run is over: the same is okay, another password has lost,
// and neither leaves an event.
func twice(o *owner) {
	token := o.first()
	o.submit(token, newPassword, "")
	before := o.ended()
	o.submit(token, newPassword, "")
	o.submit(token, otherPassword, "link_used")
	if after := o.ended(); len(after[0].GetEvents()) != len(before[0].GetEvents()) {
		o.t.Errorf("%d events, before %d", len(after[0].GetEvents()), len(before[0].GetEvents()))
	}
}

// security 10: resent uses one of two links, and success kills the other one.
func resent(use, other int) func(*owner) {
	return func(o *owner) {
		tokens := o.links(2)
		if tokens[0] == tokens[1] {
			o.t.Fatal("both mails hold the same link")
		}
		o.submit(tokens[use], newPassword, "")
		o.submit(tokens[other], otherPassword, "link_used")
	}
}

// toTheLimit sends one request more than a run mails.
func toTheLimit(o *owner) {
	tokens := o.links(flow.MaxMails)
	o.ask()
	o.heard()
	o.submit(tokens[flow.MaxMails-1], newPassword, "")
}

// second requests another link while the mail server keeps the second mail, and acts then.
func (o *owner) second(then func()) {
	came, release := o.hold(nil)
	o.ask()
	o.await(came, "the second mail")
	then()
	release()
}

// changedMeanwhile uses the first link while the second is on its way.
func changedMeanwhile(o *owner) {
	token := o.first()
	o.second(func() { o.submit(token, newPassword, "") })
}

// canceledMeanwhile calls the reset off while the second link is on its way.
func canceledMeanwhile(o *owner) {
	o.first()
	o.second(o.cancel)
}

func canceledByOwner(o *owner) {
	o.first()
	o.cancel()
}

// refused is an account that is disabled after the mail.
func refused(o *owner) {
	token, now := o.first(), o.who
	now.Disabled = true
	o.must(o.Store.Put(o.t.Context(), now))
	o.submit(token, newPassword, "change_refused")
}

func retried(o *owner) {
	o.fail(o.who.Address, inbox.Next(inbox.Reply(451, "try again later")))
	happy(o)
}

// late requests another link while the notice is being sent, and uses that link. A person who
// has just forgotten the new password waits for no notice. The link of the continued run is
// judged by what that run handed on.
func late(o *owner) {
	token := o.first()
	came, release := o.hold(nil)
	o.submit(token, newPassword, "")
	o.await(came, "the notice")
	o.ask()
	release()
	second := o.linkOf(3, 1) // link, notice, link
	o.submit(token, otherPassword, "link_used")
	o.submit(token, newPassword, "")
	o.submit(second, otherPassword, "")
	o.signsIn(otherPassword)
}

func backup(a *account.Account) { a.Notify = []string{"backup-" + a.Address} }

// owed is a backup address that takes no mail at first.
func owed(o *owner) {
	later := inbox.Reply(451, "try again later")
	o.fail(o.who.Notify[0], inbox.Next(later, later))
	happy(o)
}

// security 18: owedLate requests another link while the backup address takes no mail, and uses
// it at once. The backup address is notified of both changes later.
func owedLate(o *owner) {
	token := o.first()
	o.refuse(o.who.Notify[0])
	o.submit(token, newPassword, "")
	o.until("both notices", func(h *historypb.History) bool { return len(scheduled(h, flow.SendEmail)) == 3 })
	o.ask()
	second := o.linkOf(3, 1) // link, notice, link
	o.retries(flow.SendEmail)
	o.fail(o.who.Notify[0], nil)
	o.submit(second, otherPassword, "")
	mailed(o.t, o.Stack, o.who.Address, 4)
	mailed(o.t, o.Stack, o.who.Notify[0], 2)
}
