package password

import (
	"context"
	"errors"
	"time"
)

// ErrBusy means that so many passwords are being hashed that another one has to come
// back later. Nothing was done with it.
var ErrBusy = errors.New("too many passwords are being hashed")

// Budget bounds what hashing takes from a process: so many at once, so many waiting, and
// no longer than so. Without it, two hundred submissions at once would take four
// gigabytes. It is safe for concurrent use.
type Budget struct {
	running chan struct{}
	waiting chan struct{}
	wait    time.Duration
}

// NewBudget returns a budget: parallel hashes at once, queue further callers waiting,
// each for as long as wait.
func NewBudget(parallel, queue int, wait time.Duration) *Budget {
	return &Budget{
		running: make(chan struct{}, parallel),
		waiting: make(chan struct{}, parallel+queue),
		wait:    wait,
	}
}

// Do runs f when it is f's turn and returns its error. Errors: ErrBusy when the queue is
// full or the wait is over, and the context's when it ends first; then f is not run.
func (b *Budget) Do(ctx context.Context, f func() error) error {
	select {
	case b.waiting <- struct{}{}:
		defer func() { <-b.waiting }()
	default:
		return ErrBusy
	}
	timer := time.NewTimer(b.wait)
	defer timer.Stop()
	select {
	case b.running <- struct{}{}:
		defer func() { <-b.running }()
		return f()
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}
