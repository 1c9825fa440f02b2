package cli

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/belong"
	"github.com/rekeyhq/rekey/internal/ops"
	"github.com/rekeyhq/rekey/mail"
)

// checker is a store that can try more than a look-up, such as a write.
type checker interface {
	Check(ctx context.Context) error
}

// latest is the newest report on the other processes. It is safe for concurrent use.
type latest struct {
	once  sync.Once
	there chan struct{} // closed at the first report
	wrong atomic.Pointer[belong.Mismatch]
}

func newLatest() *latest { return &latest{there: make(chan struct{})} }

var errNoPeersYet = errors.New("the list of processes has not come from Temporal yet")

func (l *latest) is(err error) {
	wrong, _ := errors.AsType[*belong.Mismatch](err)
	l.wrong.Store(wrong)
	l.once.Do(func() { close(l.there) })
}

// check is down while processes do not belong together. It makes none unready: a starter accepts
// requests without a worker too.
func (l *latest) check() ops.Check {
	return ops.Check{Name: "peers", Ask: l.ask, Tell: error.Error, Every: checkEvery, Optional: true}
}

// ask waits for the first report.
func (l *latest) ask(ctx context.Context) error {
	select {
	case <-l.there:
	case <-ctx.Done():
		return errNoPeersYet
	}
	if wrong := l.wrong.Load(); wrong != nil {
		return wrong
	}
	return nil
}

// storeCheck checks that a store can be read, and written if it is a checker. The address is
// unknown: .invalid is kept free of names (RFC 2606).
func storeCheck(store account.Store) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := store.Find(ctx, "probe@rekey.invalid"); err != nil {
			return err
		}
		if own, ok := store.(checker); ok {
			return own.Check(ctx)
		}
		return nil
	}
}

// temporalCheck checks that Temporal answers.
func temporalCheck(c client.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.CheckHealth(ctx, &client.CheckHealthRequest{})
		return err
	}
}

// mailFailure is a probe's text about a mail server: the step that failed and the reply, in
// numbers and rekey's own words. Any other error has no text.
func mailFailure(err error) string {
	if e, ok := errors.AsType[*mail.Error](err); ok {
		return e.Error()
	}
	return ""
}
