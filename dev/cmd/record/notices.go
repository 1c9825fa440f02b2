package main

import (
	"context"

	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// notices are the stories of notices that do not reach everybody at once.
func notices() []story {
	const completed = statemachine.StateCompleted
	late := story{name: "notice-owed-late-request", act: owedLate, runs: []run{
		{"notice-owed-late-request", []rule{continued(completed), schedules(workflow.SendEmail, 3)}},
		{"notice-owed-late-request-continued", []rule{
			continues, ends(completed), repeats(workflow.SendEmail, 1, becauseItFailed), schedules(workflow.SendEmail, 3),
		}},
	}}
	return []story{
		one("notice-owed", owed, ends(completed), repeats(workflow.SendEmail, 3, becauseItFailed)).with(backup),
		late.with(backup),
		one("stranger-completes-notice", strangersNotice, ends(completed), asksVersion, not(mailFails), not(timesOut)),
	}
}

func backup(a *account.Account) { a.Notify = []string{"backup-" + a.Address} }

// owed is a backup address that takes no mail at first.
func owed(ctx context.Context, o *owner) error {
	later := inbox.Reply(451, "try again later")
	o.fail(o.who.Notify[0], inbox.Next(later, later))
	return happy(ctx, o)
}

// owedLate asks again while the backup address takes no mail, and uses the link that comes
// of it.
func owedLate(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	o.fail(o.who.Notify[0], func(inbox.Message) error { return inbox.Reply(451, "try again later") })
	owes := func(h *historypb.History) bool { return len(scheduled(h, workflow.SendEmail)) == 3 }
	err = inOrder(ctx,
		o.submits(token),
		func(ctx context.Context) error { return o.until(ctx, owes) },
		o.ask,
	)
	if err != nil {
		return err
	}
	second, err := o.linkOf(ctx, 3, 1) // link, notice, link
	if err != nil {
		return err
	}
	if err := o.retries(ctx, workflow.SendEmail); err != nil {
		return err
	}
	o.fail(o.who.Notify[0], nil)
	return o.submit(ctx, second, otherPassword, "")
}

// strangersNotice is a notice of which somebody else says, before it is out, that it is.
func strangersNotice(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	came, release := o.hold(nil)
	defer release()
	return inOrder(ctx,
		o.submits(token),
		await(came, "the notice"),
		func(ctx context.Context) error {
			return o.complete(ctx, workflow.SendEmail, 2, workflow.Delivery{Notice: "the run of somebody else"})
		},
	)
}
