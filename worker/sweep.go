package worker

import (
	"context"
	"time"

	"github.com/rekeyhq/rekey/account"
)

const (
	sweepEvery = time.Hour
	// lookAgain is the pause after a look at the clock without an answer.
	lookAgain = time.Minute
	keep      = account.Kept
	// sweepWait ends a sweep of a store that hangs. During a sweep a broken worker is not noticed.
	sweepWait = time.Minute
)

// sweepUntil removes old records from the store, now and once an hour, until the context ends
// (nil) or the worker breaks. A worker with a wrong clock leaves that to others. A worker whose
// other clocks do not answer waits for one.
func (c Config) sweepUntil(ctx context.Context, broken <-chan error) error {
	for {
		next := time.After(c.sweepIfRight(ctx))
		select {
		case <-ctx.Done():
			return nil
		case err := <-broken:
			return err
		case <-next:
		}
	}
}

// sweepIfRight sweeps by a right clock, and returns when to sweep again.
func (c Config) sweepIfRight(ctx context.Context) time.Duration {
	right, known := c.rightClock(ctx)
	if right {
		c.sweep(ctx)
	}
	if !known {
		return lookAgain
	}
	return sweepEvery
}

func (c Config) sweep(ctx context.Context) {
	c.sweepOf(ctx, "old records", func(ctx context.Context) (int, error) { return c.Store.Sweep(ctx, c.Now().Add(-keep)) })
	if c.AuditKeep > 0 {
		c.sweepOf(ctx, "old audit lines", func(ctx context.Context) (int, error) {
			return c.Store.SweepAudit(ctx, c.Now(), c.AuditKeep)
		})
	}
}

func (c Config) sweepOf(ctx context.Context, what string, sweep func(context.Context) (int, error)) {
	limited, cancel := context.WithTimeout(ctx, sweepWait)
	defer cancel()
	n, err := sweep(limited)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		c.Log.Error().Err(err).Int("records", n).Msg("sweep of " + what + " failed; it is retried in an hour")
	case n > 0:
		c.Log.Info().Int("records", n).Msg(what + " deleted")
	}
}
