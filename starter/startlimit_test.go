package starter

import (
	"errors"
	"net/netip"
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

// security 3: over the budget every request is refused, for an address with an earlier request or
// another one. Time makes room again.
func TestStartLimitTreatsAllAlike(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := limitedFilter(t, func() time.Time { return now })
	f.recent.Add(f.flow.ID(f.accountKeys.Key("again@example.com")), sent{at: now})
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
	f.recent.Add(f.flow.ID(f.accountKeys.Key("again@example.com")), sent{at: now})
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

// flooded makes requests for a second from each of many networks, ten times the budget. It returns
// how often each got through.
func flooded(l *startLimit, now time.Time, networks ...string) map[string]int {
	got := map[string]int{}
	for range 20 {
		now = now.Add(50 * time.Millisecond)
		for range 10 {
			for _, n := range networks {
				if l.admits(now, netip.MustParseAddr(n), false) {
					got[n]++
				}
			}
		}
	}
	return got
}

// security 3: networks that flood share the budget, and others find room.
func TestWideNetworksShareTheBudget(t *testing.T) {
	t.Parallel()
	l, now := newStartLimit(20), time.Now()
	var greedy []string
	for i := range 16 { // each a /48 of another provider
		greedy = append(greedy, netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, byte(i)}).String())
	}
	for range 60 { // a minute of it
		flooded(l, now, greedy...)
		now = now.Add(time.Second)
	}
	for i := range 3 {
		if other := netip.AddrFrom4([4]byte{198, byte(51 + i), 100, 7}); !l.admits(now, other, false) {
			t.Errorf("nothing is left for %s", other)
		}
	}
	got := flooded(l, now, greedy...)
	for _, n := range greedy {
		if got[n] > 4 {
			t.Errorf("%s got %d starts of 20", n, got[n])
		}
	}
	if more := len(l.networks.Keys()); more > wideNetworks {
		t.Errorf("%d networks are remembered", more)
	}
}

// A network alone is a crowd behind one provider as well as a flood: it gets at least half.
func TestOneNetworkAloneIsServed(t *testing.T) {
	t.Parallel()
	l, now, got := newStartLimit(20), time.Now(), 0
	for range 60 {
		got += flooded(l, now, "198.51.100.7")["198.51.100.7"]
		now = now.Add(time.Second)
	}
	if got < 60*20/2 {
		t.Errorf("%d starts in a minute", got)
	}
}

// The answer must not reveal an earlier request: a repeat is refused where another request is.
func TestRepeatsOfAFloodAreRefused(t *testing.T) {
	t.Parallel()
	l, now := newStartLimit(2), time.Now()
	flood, other := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("203.0.113.7")
	for l.admits(now, flood, false) {
	}
	if l.admits(now, flood, true) {
		t.Error("a repeat was admitted")
	}
	if !l.admits(now, other, true) || !l.admits(now, other, false) {
		t.Error("another network was refused")
	}
}

// Requests with a solved puzzle have a budget, which a flood uses up as well.
func TestProofHasABudgetOfItsOwn(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := limitedFilter(t, func() time.Time { return now })
	f.proven = newStartLimit(2)
	for range 2 * startBurst {
		if !f.admits(WithProofPassed(t.Context()), false) {
			t.Fatal("a solution is refused")
		}
	}
	if f.admits(WithProofPassed(t.Context()), false) {
		t.Error("a flood of solutions has no end")
	}
}
