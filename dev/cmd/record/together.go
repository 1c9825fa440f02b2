package main

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"golang.org/x/sync/errgroup"
)

// usedAnd lets a link be used and something else happen while no worker is there, so that
// the next one hears of both in one workflow task. The submission is answered with a code;
// the rest is for then.
func usedAnd(ctx context.Context, o *owner, code string, other, rest func() error) error {
	worker, token, err := o.waits(ctx, false)
	if err != nil {
		return err
	}
	if err := worker.kill(); err != nil {
		return err
	}
	var browser errgroup.Group
	browser.Go(func() error { return o.submit(ctx, token, newPassword, code) })
	used := func(h *historypb.History) bool { // the mail, and the wait
		return count(h, enumspb.EVENT_TYPE_ACTIVITY_TASK_COMPLETED) == 2
	}
	if err := errors.Join(o.until(ctx, used), other()); err != nil {
		return err
	}
	return o.next(ctx, func() error { return errors.Join(browser.Wait(), rest()) })
}

// usedAndCanceled: the cancel wins.
func usedAndCanceled(ctx context.Context, o *owner) error {
	return usedAnd(ctx, o, "link_canceled", func() error { return o.temporal.CancelWorkflow(ctx, o.workflow, "") }, nothing)
}

// usedAndExpired: the use wins.
func usedAndExpired(ctx context.Context, o *owner) error {
	return usedAnd(ctx, o, "", func() error {
		return o.until(ctx, func(h *historypb.History) bool { return count(h, enumspb.EVENT_TYPE_TIMER_FIRED) > 0 })
	}, nothing)
}

// usedAndAsked: the use wins, and the request is answered by another run, which is called
// off.
func usedAndAsked(ctx context.Context, o *owner) error {
	return usedAnd(ctx, o, "", func() error { return o.ask(ctx) }, func() error {
		_, err := o.token(ctx, 3, changePage) // link, notice, link
		return errors.Join(err, o.temporal.CancelWorkflow(ctx, o.workflow, ""))
	})
}

func nothing() error { return nil }
