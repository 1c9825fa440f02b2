package workflow

import (
	"time"

	"go.temporal.io/sdk/workflow"
)

// tick is the least time between two batches of accounts. It is history.
const tick = time.Second

// ValidRate reports whether a campaign can go at a rate, in accounts per second.
func ValidRate(rate float64) bool { return MinRate <= rate && rate <= MaxRate }

// gap is the time between two accounts at the rate. One division has the same result on every
// machine; all further arithmetic is in whole nanoseconds.
func (c *campaign) gap() time.Duration { return time.Duration(float64(time.Second) / c.in.Rate) }

// pageLimit is the number of accounts that the next page has at most.
func (c *campaign) pageLimit() int { return max(1, min(pageSize, int(pageHours/c.gap()))) }

// wait waits while the campaign is paused.
func (c *campaign) wait(ctx workflow.Context) {
	// The context is detached, so there is no error.
	_ = workflow.Await(ctx, func() bool { return !c.in.Paused || c.over() })
}

// turn waits until accounts are due, and returns their number. It is 0 when the campaign is over.
//
// Each gap of time since the last batch permits an account. A slow batch, or one that ended with its
// page, makes the next one larger, so the rate holds. An outage does not: the time of a tick beyond
// the regular one is the most that is made up.
func (c *campaign) turn(ctx workflow.Context) int {
	for {
		if c.wait(ctx); c.over() {
			return 0
		}
		earned := c.earned(ctx)
		left := max(tick-workflow.Now(ctx).Sub(c.in.Batch), c.gap()-earned)
		if left <= 0 {
			return int(earned / c.gap())
		}
		commands := c.in.Commands
		_, _ = workflow.AwaitWithOptions(ctx, workflow.AwaitOptions{
			Timeout: left, TimerOptions: workflow.TimerOptions{Summary: "the next accounts"},
		}, func() bool { return c.over() || c.in.Commands != commands })
	}
}

// earned is the time that permits accounts now.
func (c *campaign) earned(ctx workflow.Context) time.Duration {
	return min(c.in.Credit+workflow.Now(ctx).Sub(c.in.Batch), c.gap()+2*tick)
}

// spend takes the time of a batch.
func (c *campaign) spend(ctx workflow.Context, accounts int) {
	c.in.Credit = c.earned(ctx) - time.Duration(accounts)*c.gap()
	c.in.Batch = workflow.Now(ctx)
}

// paceAnew lets no time before now count.
func (c *campaign) paceAnew(ctx workflow.Context) { c.in.Credit, c.in.Batch = 0, workflow.Now(ctx) }
