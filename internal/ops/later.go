package ops

import (
	"context"
	"sync"
)

// Later is a check of something that is yet to start. Until it is there the check fails,
// as soon as its time is over.
type Later struct {
	once  sync.Once
	there chan struct{}
	ask   func(context.Context) error
}

// NewLater returns a check that waits for Is.
func NewLater() *Later { return &Later{there: make(chan struct{})} }

// Is sets the check from now on. Only the first call counts.
func (l *Later) Is(ask func(context.Context) error) {
	l.once.Do(func() {
		l.ask = ask
		close(l.there)
	})
}

// Ask is the check.
func (l *Later) Ask(ctx context.Context) error {
	select {
	case <-l.there:
		return l.ask(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}
