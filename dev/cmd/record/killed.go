package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// killed are the stories of workers that are killed, one in each state a run can be found
// in. What each was doing begins again on the next worker.
func killed() []story {
	const completed = statemachine.StateCompleted
	return []story{
		one("worker-killed-requested", killedMailing, ends(completed), workers, repeats(workflow.SendEmail, 1, becauseOfSilence)),
		one("worker-killed-awaiting-token", killedWaiting, ends(completed), workers, misses, not(fires)),
		one("worker-killed-token-submitted", killedChanging, ends(completed), workers, repeats(workflow.ChangePassword, 1, becauseOfSilence)),
		one("worker-killed-password-changed", killedTelling, ends(completed), workers, repeats(workflow.SendEmail, 2, becauseOfSilence)),
		one("stranger-completes-change", killedAfterStranger, ends(completed), workers, schedules(workflow.ChangePassword, 2)),
		one("verdict-of-another-run", killedAfterCopy, ends(completed), workers, schedules(workflow.ChangePassword, 2)),
		one("used-and-mailed", usedAndMailed, ends(completed), workers, atOnce(linkUsed, linkMailed)),
		one("used-and-canceled", usedAndCanceled, ends(statemachine.StateCanceled), workers, atOnce(linkUsed, canceledByOperator)),
		{name: "used-and-asked", act: usedAndAsked, runs: []run{
			{"used-and-asked", []rule{continued(completed), workers, atOnce(linkUsed, askedAgain)}},
			{"used-and-asked-continued", []rule{continues, ends(statemachine.StateCanceled), not(stopsMail)}},
		}},
	}
}

// overdue are stories of links that end soon, and of a cool-down that does not.
func overdue() []story {
	return []story{
		one("asked-in-cool-down", inCoolDown, ends(statemachine.StateExpired), mails(1), signals(workflow.RequestSignal, 2)),
		one("used-and-expired", usedAndExpired, ends(statemachine.StateCompleted), workers, atOnce(linkUsed, timeIsUp)),
	}
}

// worker starts the worker that will be killed, on a store with the owner's account.
func (o *owner) worker(ctx context.Context, holds bool) (*process, error) {
	if err := o.StopWorker(); err != nil { // the one of the lab
		return nil, err
	}
	store, err := bolt.Open(o.storeFile())
	if err != nil {
		return nil, err
	}
	if err := errors.Join(store.Put(ctx, o.who), store.Close()); err != nil {
		return nil, err
	}
	return o.workerProcess(ctx, "-worker-1", holds)
}

// replace kills a worker and lets another one do the rest.
func (o *owner) replace(ctx context.Context, worker *process, rest func() error) error {
	if err := worker.kill(); err != nil {
		return err
	}
	return o.next(ctx, rest)
}

// next lets the worker after the killed one do the rest.
func (o *owner) next(ctx context.Context, rest func() error) error {
	next, err := o.workerProcess(ctx, "-worker-2", false)
	if err != nil {
		return err
	}
	if err := rest(); err != nil {
		return errors.Join(err, next.kill())
	}
	_, err = o.ended(ctx)
	return errors.Join(err, next.kill())
}

// killedMailing: the mail server has the mail and has not said so.
func killedMailing(ctx context.Context, o *owner) error {
	came, release := o.hold(inbox.ErrDropped)
	worker, err := o.worker(ctx, false)
	if err != nil {
		return err
	}
	err = inOrder(ctx, o.ask, await(came, "the mail"))
	if err != nil {
		return errors.Join(err, worker.kill())
	}
	return o.replace(ctx, worker, func() error {
		release()
		token, err := o.link(ctx, 1)
		if err != nil {
			return err
		}
		return o.submit(ctx, token, newPassword, "")
	})
}

// waits starts the worker that will be killed and has it mail a link.
func (o *owner) waits(ctx context.Context, holds bool) (worker *process, token string, err error) {
	if worker, err = o.worker(ctx, holds); err != nil {
		return nil, "", err
	}
	if token, err = o.first(ctx); err != nil {
		return nil, "", errors.Join(err, worker.kill())
	}
	return worker, token, nil
}

// killedWaiting: the link is out.
func killedWaiting(ctx context.Context, o *owner) error {
	worker, token, err := o.waits(ctx, false)
	if err != nil {
		return err
	}
	return o.replace(ctx, worker, func() error { return o.submit(ctx, token, newPassword, "") })
}

// killedChanging: the store has not finished the change.
func killedChanging(ctx context.Context, o *owner) error { return o.holdsChange(ctx) }

// killedAfterStranger: the same, and somebody without a link says that it has.
func killedAfterStranger(ctx context.Context, o *owner) error {
	return o.holdsChange(ctx, o.foreignVerdict)
}

// killedAfterCopy: the same, and somebody has copied the submission and its verdict from
// another run.
func killedAfterCopy(ctx context.Context, o *owner) error {
	return o.holdsChange(ctx, o.copiedVerdict)
}

// holdsChange kills the worker in the middle of the change, after some steps.
func (o *owner) holdsChange(ctx context.Context, meanwhile ...step) error {
	worker, token, err := o.waits(ctx, true)
	if err != nil {
		return err
	}
	var browser errgroup.Group
	browser.Go(func() error { return o.submit(ctx, token, newPassword, "") })
	err = inOrder(ctx, append([]step{await(worker.held, "the change")}, meanwhile...)...)
	if err != nil {
		return errors.Join(err, worker.kill())
	}
	return o.replace(ctx, worker, browser.Wait)
}

// killedTelling: the mail server has the notice and has not said so.
func killedTelling(ctx context.Context, o *owner) error {
	worker, token, err := o.waits(ctx, false)
	if err != nil {
		return err
	}
	came, release := o.hold(inbox.ErrDropped)
	err = inOrder(ctx, o.submits(token), await(came, "the notice"))
	if err != nil {
		return errors.Join(err, worker.kill())
	}
	return o.replace(ctx, worker, func() error { release(); return nil })
}
