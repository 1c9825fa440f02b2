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

// security 7: within the cool-down requests leave no event on a run, and the cool-down is
// counted from the last one that did.
func TestRequestsWithinTheCoolDownLeaveNoTrace(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := start(t, func(c *stack.Config) {
		c.CoolDown = time.Minute
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	waitForTimer(t, s, who.Address)
	const signaled = enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
	start := events(t, s, who.Address)[signaled]
	for _, at := range []time.Duration{10 * time.Second, 40 * time.Second, 59 * time.Second} {
		ahead.Store(int64(at))
		forgot(t, s, who.Address)
	}
	if n := events(t, s, who.Address)[signaled]; n != start {
		t.Errorf("%d signals within the cool-down", n-start)
	}
	ahead.Store(int64(61 * time.Second))
	forgot(t, s, who.Address)
	if n := events(t, s, who.Address)[signaled]; n != start+1 {
		t.Errorf("%d signals after the cool-down, want 1", n-start)
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
