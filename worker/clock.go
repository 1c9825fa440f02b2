package worker

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

const (
	// mostOff is how far a worker's clock may be from another one. Links and mail limits depend on
	// it, and starters allow a minute.
	mostOff   = time.Minute
	clockWait = 5 * time.Second
	// listed is how long Temporal lists a poller after its last poll.
	listed = 5 * time.Minute
)

// clock is one that the worker's is compared with.
type clock struct {
	name string
	// off is how far the worker's clock is ahead at least, negative for behind.
	off func(ctx context.Context, now func() time.Time) (time.Duration, error)
}

// clocked is a store that has a clock of its own, such as that of a database.
type clocked interface {
	Now(ctx context.Context) (time.Time, error)
}

func storeClock(s clocked) clock {
	return clock{"store", func(ctx context.Context, now func() time.Time) (time.Duration, error) {
		before := now()
		there, err := s.Now(ctx)
		return before.Add(now().Sub(before) / 2).Sub(there), err
	}}
}

var errNobodyPolls = errors.New("no worker polls")

// temporalClock reads the newest time at which Temporal heard from a worker of this task queue. It
// is not in the future, and five minutes old at most. So it is a bound in either direction, for
// which no write is needed.
func temporalClock(temporal client.Client, taskQueue string) clock {
	return clock{"temporal", func(ctx context.Context, now func() time.Time) (time.Duration, error) {
		queue, err := temporal.DescribeTaskQueue(ctx, taskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
		if err != nil {
			return 0, err
		}
		var heard time.Time
		for _, p := range queue.GetPollers() {
			if at := p.GetLastAccessTime().AsTime(); at.After(heard) {
				heard = at
			}
		}
		if heard.IsZero() {
			return 0, errNobodyPolls
		}
		return beyond(now().Sub(heard)), nil
	}}
}

// beyond is how far a time is off that may be listed by as much.
func beyond(since time.Duration) time.Duration {
	if since < 0 {
		return since
	}
	return max(0, since-listed)
}

// rightClock compares the worker's clock with others, and logs a wrong one. A clock that does not
// answer is no reason to doubt the worker's while another one does; other checks report the
// missing one. Without any answer nothing is known: at the start Temporal may have heard of no
// worker yet.
func (c Config) rightClock(ctx context.Context) (right, known bool) {
	right, known = true, len(c.clocks) == 0
	for _, other := range c.clocks {
		limited, cancel := context.WithTimeout(ctx, clockWait)
		off, err := other.off(limited, c.Now)
		cancel()
		if err != nil {
			continue
		}
		known = true
		c.metrics().WithTags(map[string]string{"clock": other.name}).Gauge("rekey_clock_offset_seconds").Update(off.Seconds())
		if off.Abs() <= mostOff {
			continue
		}
		right = false
		c.Log.Warn().Str("clock", other.name).Dur("ahead_ms", off).
			Msg("this worker's clock is off by more than a minute: links end too early or too late, and old records are not deleted; set the clock (NTP)")
	}
	return right && known, known
}
