package e2e

import (
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rekeyhq/rekey/dev/stack"
)

// security 7: requests that come soon after another leave no event on a run. Soon is half of
// the cool-down at least and all of it at most, counted from the last one that left an event.
// The link is good meanwhile. A run whose link may have ended gets one more event.
func TestRequestsWithinTheCoolDownLeaveNoTrace(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := start(t, func(c *stack.Config) {
		c.CoolDown, c.LinkLife = time.Hour, 2*time.Hour
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	waitForTimer(t, s, who.Address)
	const signaled = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
	start := events(t, s, who.Address)[signaled]
	askAt := func(minutes ...int) (signals int) {
		for _, m := range minutes {
			ahead.Store(int64(time.Duration(m) * time.Minute))
			forgot(t, s, who.Address)
		}
		return events(t, s, who.Address)[signaled] - start
	}
	if n := askAt(5, 15, 25); n != 0 {
		t.Errorf("%d signals within half of the cool-down", n)
	}
	if n := askAt(35, 45, 55, 61); n != 1 {
		t.Errorf("%d signals until the cool-down is over, want 1", n)
	}
}
