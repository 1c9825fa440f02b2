package bench

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/dev/process"
)

// event is something seen from outside, and the time of its request.
type event struct {
	what      string
	began, at time.Time
}

// log is the events of one repetition.
type log []event

// step is one repetition of a measurement.
type step func(context.Context) (log, error)

// meter adds up all batches of something.
type meter struct {
	n       int
	took    time.Duration
	used    map[string]time.Duration // CPU time, by part
	times   map[string][]time.Duration
	longest time.Duration // without any event
}

// repeat measures a batch of n, so many at once.
func (l *lane) repeat(t *testing.T, m *meter, n, atOnce int, do step) {
	t.Helper()
	if m.used == nil {
		m.used, m.times = map[string]time.Duration{}, map[string][]time.Duration{}
	}
	var mu sync.Mutex
	before, began := l.cpu(t), time.Now()
	seen := []time.Time{began}
	all, ctx := errgroup.WithContext(t.Context())
	all.SetLimit(atOnce)
	for range n {
		all.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			events, err := do(ctx)
			mu.Lock()
			defer mu.Unlock()
			for _, e := range events {
				m.times[e.what] = append(m.times[e.what], e.at.Sub(e.began))
				seen = append(seen, e.at)
			}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Fatal(err)
	}
	m.n, m.took = m.n+n, m.took+time.Since(began)
	for part, used := range l.cpu(t) {
		m.used[part] += used - before[part]
	}
	m.longest = max(m.longest, longestGap(seen))
}

// longestGap is the longest time in which none of these came.
func longestGap(seen []time.Time) (longest time.Duration) {
	slices.SortFunc(seen, time.Time.Compare)
	for i := 1; i < len(seen); i++ {
		longest = max(longest, seen[i].Sub(seen[i-1]))
	}
	return longest
}

func (m *meter) perSecond() float64 { return float64(m.n) / m.took.Seconds() }

// cpu is the CPU time of some parts for one, in milliseconds; NaN where the system has none.
func (m *meter) cpu(parts ...string) float64 {
	if len(m.used) == 0 {
		return math.NaN()
	}
	var sum time.Duration
	for _, part := range parts {
		sum += m.used[part]
	}
	return milliseconds(sum) / float64(m.n)
}

// spread says how times are spread, in milliseconds.
type spread struct{ p50, p99, longest float64 }

// spread of nothing is not a number.
func (m *meter) spread(what string) spread {
	all := slices.Sorted(slices.Values(m.times[what]))
	if len(all) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	at := func(q float64) float64 { return milliseconds(all[int(math.Ceil(q*float64(len(all))))-1]) } // nearest rank
	return spread{at(0.5), at(0.99), at(1)}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// cpu is the CPU time of each part so far; nil where the system has none.
func (l *lane) cpu(t *testing.T) map[string]time.Duration {
	t.Helper()
	pids := map[string]int{}
	for part, p := range l.parts {
		pids[part] = p.Pid()
	}
	if l.postgres != nil {
		pids["postgres"] = l.postgres.Pid()
	}
	used := map[string]time.Duration{}
	for part, pid := range pids {
		cpu, err := process.Tree(pid)
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		used[part] = cpu
	}
	return used
}

// peak is the most memory that a part has had, in MiB; NaN where the system has none.
func (l *lane) peak(t *testing.T, part string) float64 {
	t.Helper()
	peak, err := process.Peak(l.parts[part].Pid())
	if errors.Is(err, errors.ErrUnsupported) {
		return math.NaN()
	}
	if err != nil {
		t.Fatal(err)
	}
	return peak
}

// stop kills a part.
func (l *lane) stop(t *testing.T, part string) {
	t.Helper()
	l.parts[part].Kill(t)
	delete(l.parts, part)
}

// inTurn does two things, every second time the other way round, so that none always follows
// the other.
func inTurn(round int, first, second func()) {
	if round%2 == 1 {
		first, second = second, first
	}
	first()
	second()
}

// The longest silence is between neighbors in time, in whatever order they were noted.
func TestLongestGap(t *testing.T) {
	t.Parallel()
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	if got := longestGap([]time.Time{at(9), at(1), at(3), at(4)}); got != 5*time.Second {
		t.Errorf("%v, want 5 s", got)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	m := meter{times: map[string][]time.Duration{}}
	for n := range 100 {
		m.times["a"] = append(m.times["a"], time.Duration(100-n)*time.Millisecond)
	}
	if got, want := m.spread("a"), (spread{50, 99, 100}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := m.spread("b"); !math.IsNaN(got.p50) {
		t.Errorf("of nothing: %+v", got)
	}
}
