package starter

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// limitedFilter admits two requests a second and has the burst of them spent.
func limitedFilter(t *testing.T, now func() time.Time) *filter {
	t.Helper()
	f := newFilter(t)
	f.cfg.Now, f.starts = now, newStartLimit(2)
	for range 2 * startBurst {
		if !f.admits(t.Context(), false) {
			t.Fatal("the burst is not admitted")
		}
	}
	return f
}

// security 3: over the budget nobody is served, neither an address that was asked for
// before nor another, and time makes room again.
func TestStartLimitTreatsAllAlike(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := limitedFilter(t, func() time.Time { return now })
	f.recent.Add(f.accountKeys.Key("again@example.com"), request{at: now})
	for _, email := range []string{"new@example.com", "again@example.com"} {
		if err := f.Request(t.Context(), email); !errors.Is(err, ErrOverloaded) {
			t.Errorf("%s: %v", email, err)
		}
	}
	if n := f.calls.Load(); n != 0 {
		t.Errorf("%d calls of Temporal", n)
	}
	now = now.Add(500 * time.Millisecond)
	if err := f.Request(t.Context(), "new@example.com"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("half a second later: %v", err)
	}
	if err := f.Request(t.Context(), "other@example.com"); !errors.Is(err, ErrOverloaded) {
		t.Errorf("there was room for one: %v", err)
	}
}

// Repeats of one address take nothing from the others.
func TestRepeatsTakeNoStart(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := limitedFilter(t, func() time.Time { return now })
	now = now.Add(500 * time.Millisecond)
	f.recent.Add(f.accountKeys.Key("again@example.com"), request{at: now})
	for _, email := range []string{"again@example.com", "again@example.com", "new@example.com"} {
		if err := f.Request(t.Context(), email); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", email, err)
		}
	}
}

func TestChallengePassesTheStartLimit(t *testing.T) {
	t.Parallel()
	f := limitedFilter(t, time.Now)
	if err := f.Request(WithChallengePassed(t.Context()), "new@example.com"); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}

// solved is a challenge with one solution; it notes whom it was asked about.
type solved struct{ asked []string }

func (s *solved) Passed(_ context.Context, solution string, client netip.Addr) bool {
	s.asked = append(s.asked, solution+" "+client.String())
	return solution == "42"
}

// overloaded serves whom a challenge let pass.
type overloaded struct{ fakeResets }

func (o *overloaded) Request(ctx context.Context, email string) error {
	if ctx.Value(challengePassedKey{}) == nil {
		return ErrOverloaded
	}
	return o.fakeResets.Request(ctx, email)
}

// security 3: 503 for all, unless the challenge hook lets the client pass.
func TestChallenge(t *testing.T) {
	t.Parallel()
	resets, challenge := &overloaded{}, &solved{}
	h := newTestHandler(t, resets, func(c *HandlerConfig) { c.Challenge = challenge })
	for body, want := range map[string]int{
		`{"email":"a@example.com"}`:                    503,
		`{"email":"a@example.com","challenge":"41"}`:   503,
		`{"email":"ada@example.com","challenge":"42"}`: 200,
	} {
		w := exchange(h, "POST", "/account/forgot_password", body, "Content-Type: application/json")
		if w.Code != want || (want == 503) != (w.Header().Get("Retry-After") == "10") {
			t.Errorf("%s: %d, Retry-After %q", body, w.Code, w.Header().Get("Retry-After"))
		}
	}
	slices.Sort(challenge.asked)
	if want := []string{" 192.0.2.1", "41 192.0.2.1", "42 192.0.2.1"}; !slices.Equal(challenge.asked, want) {
		t.Errorf("asked about %q", challenge.asked)
	}
	if want := []string{"request ada@example.com"}; !slices.Equal(resets.calls, want) {
		t.Errorf("calls %q", resets.calls)
	}
}

// The challenge costs a call of others: it is asked when it decides something.
func TestChallengeIsNotAskedWithoutNeed(t *testing.T) {
	t.Parallel()
	challenge := &solved{}
	for _, err := range []error{nil, ErrUnavailable} {
		h := newTestHandler(t, &fakeResets{err: err}, func(c *HandlerConfig) { c.Challenge = challenge })
		ask(h, "198.51.100.7", "a@example.com")
	}
	if len(challenge.asked) != 0 {
		t.Errorf("asked about %q", challenge.asked)
	}
}

func TestNobodyPassesWithoutAChallenge(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &overloaded{})
	if got := ask(h, "198.51.100.7", "a@example.com"); got != 503 {
		t.Error(got)
	}
}
