package worker

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rekeyhq/rekey/flow"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// dated is a store with a clock.
type dated struct {
	*sweeper
	now time.Time
	err error
}

func (d dated) Now(context.Context) (time.Time, error) { return d.now, d.err }

// polled is a Temporal server that has heard from workers.
type polled struct {
	client.Client
	heard []time.Time
}

func (p polled) DescribeTaskQueue(context.Context, string, enums.TaskQueueType) (*workflowservice.DescribeTaskQueueResponse, error) {
	var r workflowservice.DescribeTaskQueueResponse
	for _, at := range p.heard {
		r.Pollers = append(r.Pollers, &taskqueue.PollerInfo{LastAccessTime: timestamppb.New(at)})
	}
	return &r, nil
}

// A worker with a wrong clock logs it, and sweeps nothing: eight days ahead it would delete live
// links.
func TestWrongClockSweepsNothing(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		clock clock
		right bool
		mute  bool // nothing is known, so nothing is logged
	}{
		"store agrees":               {storeClock(dated{now: noon.Add(time.Minute)}), true, false},
		"store is behind":            {storeClock(dated{now: noon.Add(-8 * day)}), false, false},
		"store is ahead":             {storeClock(dated{now: noon.Add(2 * time.Minute)}), false, false},
		"store does not say":         {storeClock(dated{now: noon.Add(-8 * day), err: errors.New("away")}), false, true},
		"Temporal agrees":            {temporalClock(polled{heard: []time.Time{noon.Add(-4 * time.Minute), noon.Add(-time.Hour)}}, flow.TaskQueue), true, false},
		"Temporal is behind":         {temporalClock(polled{heard: []time.Time{noon.Add(-8 * day)}}, flow.TaskQueue), false, false},
		"Temporal is minutes behind": {temporalClock(polled{heard: []time.Time{noon.Add(-7 * time.Minute)}}, flow.TaskQueue), false, false},
		"Temporal is ahead":          {temporalClock(polled{heard: []time.Time{noon.Add(-time.Minute), noon.Add(2 * time.Minute)}}, flow.TaskQueue), false, false},
		"nobody polls":               {temporalClock(polled{}, flow.TaskQueue), false, true},
	} {
		var log bytes.Buffer
		s := &sweeper{}
		c := Config{Store: s, Now: func() time.Time { return noon }, Log: zerolog.New(&log), clocks: []clock{test.clock}}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.sweepUntil(ctx, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if swept := len(s.at) > 0; swept != test.right || strings.Contains(log.String(), "NTP") == (test.right || test.mute) {
			t.Errorf("%s: swept %v, log: %s", name, swept, log.String())
		}
	}
}

// A worker that begins where Temporal has heard of no worker compares its clock a minute later. It
// sweeps once the clock is known to be right. One of two clocks may be away.
func TestClockThatNobodyCouldBeAskedAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		began, s := time.Now(), &sweeper{}
		other := clock{"temporal", func(context.Context, func() time.Time) (time.Duration, error) {
			if time.Since(began) < 2*time.Minute {
				return 0, errNobodyPolls
			}
			return 0, nil
		}}
		away := storeClock(dated{err: errors.New("away")})
		c := Config{Store: s, Now: time.Now, Log: zerolog.Nop(), clocks: []clock{other, away}}
		if err := c.sweepUntil(ctx, nil); err != nil {
			t.Errorf("sweepUntil: %v", err)
		}
		if first := s.now.Sub(began); len(s.at) != 2 || first != 2*time.Minute || s.at[1] != time.Hour {
			t.Errorf("the first sweep after %v, sweeps at %v", first, s.at)
		}
	})
}
