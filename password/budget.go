package password

import (
	"context"
	"errors"
	"time"
)

// ErrBusy means that too many passwords are being hashed, so another one has to come back
// later. Nothing was done with it.
var ErrBusy = errors.New("too many passwords are being hashed")

// Budget bounds the resources for evaluating passwords: a number at once, a number in the
// queue, and a time in the queue. Without it, two hundred submissions at once would take four
// gigabytes. A process has one, since its parts share the same cores. It is safe for concurrent
// use.
type Budget struct {
	running  chan struct{} // a place for each that runs
	admitted chan struct{} // a place for each that runs or waits
	wait     time.Duration
}

// NewBudget returns a budget. It runs parallel evaluations at once (at least one; the number of
// cores is right). It lets queue further callers wait, each for as long as wait.
func NewBudget(parallel, queue int, wait time.Duration) *Budget {
	parallel, queue = max(parallel, 1), max(queue, 0)
	return &Budget{
		running:  make(chan struct{}, parallel),
		admitted: make(chan struct{}, parallel+queue),
		wait:     wait,
	}
}

// Do runs f when it is f's turn, first come first served, and returns f's error. Errors:
// ErrBusy when the queue is full or the wait is over, and the context's when it ends
// first; then f is not run. Once f runs it is not interrupted.
func (b *Budget) Do(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case b.admitted <- struct{}{}:
		defer func() { <-b.admitted }()
	default:
		return ErrBusy
	}
	if err := b.turn(ctx); err != nil {
		return err
	}
	defer func() { <-b.running }()
	return f()
}

// Load is how many evaluations run and how many wait at this moment.
func (b *Budget) Load() (running, waiting int) {
	running = len(b.running)
	return running, max(len(b.admitted)-running, 0)
}

// turn waits for a place among those that run.
func (b *Budget) turn(ctx context.Context) error {
	select {
	case b.running <- struct{}{}:
		return nil
	default:
	}
	timer := time.NewTimer(b.wait)
	defer timer.Stop()
	select {
	case b.running <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}
