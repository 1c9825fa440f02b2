package starter

import (
	"testing"
	"time"
)

// paced has so many times of each kind.
func paced(looks, starts []time.Duration) *pace {
	p := &pace{}
	for _, took := range looks {
		p.looks.add(took)
	}
	for _, took := range starts {
		p.starts.add(took)
	}
	return p
}

func each(n int, took time.Duration) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = took
	}
	return all
}

// security 2: the least time of an answer is above what the calls of the slowest request take. A
// flood of one kind does not shorten it.
func TestAnswerWaitsForBothCalls(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		looks, starts []time.Duration
		want          time.Duration
	}{
		"no call":            {nil, nil, 8 * ms},
		"near":               {each(200, 2*ms), each(200, 4*ms), 8 * ms},
		"busy":               {each(200, 4*ms), each(200, 5*ms), 12 * ms},
		"20 ms away":         {each(200, 22*ms), each(200, 24*ms), 60750 * time.Microsecond},
		"starts only":        {nil, each(200, 24*ms), 27 * ms},
		"flood of looks":     {each(5000, 22*ms), each(9, 24*ms), 60750 * time.Microsecond},
		"one in twenty late": {append(each(122, 2*ms), each(6, time.Second)...), each(128, 4*ms), 8 * ms},
		"more are late":      {append(each(121, 2*ms), each(7, 100*ms)...), each(128, 4*ms), 136687500},
		"nearer than before": {append(each(128, time.Second), each(128, 2*ms)...), each(128, 4*ms), 8 * ms},
	} {
		if got := paced(tc.looks, tc.starts).step(); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// security 2: every call of a request counts, and no other.
func TestPaceCountsCalls(t *testing.T) {
	t.Parallel()
	s := newScripted(t)
	for range 2 { // the second one looks at the run of the first
		if err := s.Request(t.Context(), "ada@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	if s.pace.starts.n != 1 || s.pace.looks.n != 1 {
		t.Errorf("%d starts and %d looks, want one of each", s.pace.starts.n, s.pace.looks.n)
	}
	f := handingIn(t, nil)
	if err := f.Request(t.Context(), "ada@example.com"); err == nil || f.pace.starts.n != 0 {
		t.Errorf("%v, and %d starts, want an error and none", err, f.pace.starts.n)
	}
}
