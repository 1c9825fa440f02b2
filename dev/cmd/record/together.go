package main

import (
	"context"
	"errors"
	"slices"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/workflow"
)

// usedAnd lets a link be used and something else happen while no worker is there, so that
// the next one hears of both in one workflow task. The submission is answered with a code;
// the rest is for then.
func (o *owner) usedAnd(ctx context.Context, token, code string, other step, rest ...step) error {
	var browser errgroup.Group
	browser.Go(func() error { return o.submit(ctx, token, newPassword, code) })
	answered := func(context.Context) error { return browser.Wait() }
	next := func(ctx context.Context) error {
		return o.next(ctx, func() error { return inOrder(ctx, append([]step{answered}, rest...)...) })
	}
	return inOrder(ctx, o.hears(linkUsed), other, next)
}

// hears waits for an event in the history of the newest run.
func (o *owner) hears(what event) step {
	return func(ctx context.Context) error {
		return o.until(ctx, func(h *historypb.History) bool {
			return slices.ContainsFunc(h.GetEvents(), func(e *historypb.HistoryEvent) bool { return what.is(h, e) })
		})
	}
}

// orphaned has a link and no worker.
func (o *owner) orphaned(ctx context.Context) (token string, err error) {
	worker, token, err := o.waits(ctx, false)
	if err != nil {
		return "", err
	}
	return token, worker.kill()
}

// usedAndCanceled: the cancel wins.
func usedAndCanceled(ctx context.Context, o *owner) error {
	token, err := o.orphaned(ctx)
	if err != nil {
		return err
	}
	return o.usedAnd(ctx, token, "link_canceled", o.cancelInTemporal)
}

// usedAndExpired: the use wins.
func usedAndExpired(ctx context.Context, o *owner) error {
	token, err := o.orphaned(ctx)
	if err != nil {
		return err
	}
	return o.usedAnd(ctx, token, "", o.hears(timeIsUp))
}

// usedAndAsked: the use wins, and the request is answered by another run, which is called
// off.
func usedAndAsked(ctx context.Context, o *owner) error {
	token, err := o.orphaned(ctx)
	if err != nil {
		return err
	}
	another := func(ctx context.Context) error {
		_, err := o.linkOf(ctx, 3, 1) // link, notice, link
		return err
	}
	return o.usedAnd(ctx, token, "", o.ask, another, o.cancelInTemporal)
}

// usedAndMailed: the use wins. The worker is killed after the mail is out, and its last word
// reaches Temporal.
func usedAndMailed(ctx context.Context, o *owner) error {
	came, release := o.hold(inbox.ErrLost)
	defer release()
	worker, err := o.worker(ctx, false)
	if err != nil {
		return err
	}
	err = inOrder(ctx, o.ask, await(came, "the mail"))
	if err := errors.Join(err, worker.kill()); err != nil {
		return err
	}
	release()
	token, err := o.token(ctx, 1, changePage)
	if err != nil {
		return err
	}
	return o.usedAnd(ctx, token, "", func(ctx context.Context) error {
		return o.complete(ctx, workflow.SendEmail, 1, workflow.Delivery{Expires: time.Now().Add(time.Hour)})
	})
}
