package e2e

import (
	"sync/atomic"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/statemachine"
)

// security 7: requests that come soon after another leave no event on a run. Soon is half of
// the cool-down at least and all of it at most, counted from the last one that left an event.
// The link is good meanwhile: a run whose link may have ended is told once more.
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

// A request that comes while the owner is being told is answered by another run: the
// person who has just forgotten the new password waits for nobody.
func TestLateRequestIsAnsweredByAnotherRun(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.CoolDown = time.Nanosecond })
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	waitForTimer(t, s, who.Address)
	release := make(chan struct{})
	s.Mail.Fail(func(inbox.Message) error { <-release; return nil }) // the notice takes its time
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Fatalf("reset: %+v", a)
	}
	forgot(t, s, who.Address)
	close(release)
	second, _ := tokens(t, s, who.Address, 3) // link, notice, link
	// The link of the run that continued is judged by what that run handed on.
	if a := reset(t, s, token, otherPassword); a.Code != "link_used" {
		t.Errorf("the first link with another password: %+v", a)
	}
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Errorf("the first link with its password: %+v", a)
	}
	if a := reset(t, s, second, otherPassword); a.code != 200 {
		t.Errorf("the second link: %+v", a)
	}
	waitFor(t, s, who, statemachine.StateCompleted)
	if code := signIn(t, s, who.Address, otherPassword); code != 200 {
		t.Errorf("sign-in with the last password: %d", code)
	}
}
