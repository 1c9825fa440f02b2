package main

import (
	"context"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/workflow"
)

// second asks again while the mail server keeps the second mail, and does something then.
func (o *owner) second(ctx context.Context, then step) error {
	came, release := o.hold(nil)
	defer release()
	return inOrder(ctx, o.ask, await(came, "the second mail"), then)
}

// changedMeanwhile uses the first link while the second is on its way.
func changedMeanwhile(ctx context.Context, o *owner) error {
	token, err := o.first(ctx)
	if err != nil {
		return err
	}
	return o.second(ctx, o.submits(token))
}

// canceledMeanwhile calls the reset off while the second link is on its way.
func canceledMeanwhile(ctx context.Context, o *owner) error {
	if _, err := o.first(ctx); err != nil {
		return err
	}
	return o.second(ctx, o.cancel)
}

// lateMail is a second mail that takes longer than what is left of the first link: it is
// taken at the seventh attempt, a minute after the first.
func lateMail(ctx context.Context, o *owner) error {
	if _, err := o.first(ctx); err != nil {
		return err
	}
	later := inbox.Reply(451, "try again later")
	o.fail(o.who.Address, inbox.Next(later, later, later, later, later, later))
	return o.ask(ctx)
}

// inCoolDown asks at a starter that has not heard of the first request.
func inCoolDown(ctx context.Context, o *owner) error {
	if _, err := o.first(ctx); err != nil {
		return err
	}
	return o.signal(ctx, workflow.RequestSignal, workflow.AccountKey(o.workflow))
}
