package main

import (
	"context"
	"math"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// atOnce does something n times, so many at once, and returns what each gave and how long
// all of it took. The first error ends it.
func atOnce[T any](ctx context.Context, n, workers int, do func(context.Context) (T, error)) ([]T, time.Duration, error) {
	given := make([]T, n)
	all, each := errgroup.WithContext(ctx)
	all.SetLimit(workers)
	began := time.Now()
	for i := range given {
		if each.Err() != nil {
			break
		}
		all.Go(func() (err error) {
			given[i], err = do(each)
			return err
		})
	}
	err := all.Wait()
	took := time.Since(began)
	if err == nil {
		err = context.Cause(ctx) // or not all was done
	}
	return given, took, err
}

// timed is what something takes.
func timed(do func(context.Context) error) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		began := time.Now()
		err := do(ctx)
		return time.Since(began), err
	}
}

// spread says how times are spread, in milliseconds.
type spread struct{ P50, P99, Max float64 }

// spreadOf nothing is not a number.
func spreadOf(all []time.Duration) spread {
	if len(all) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	all = slices.Sorted(slices.Values(all))
	at := func(q float64) float64 { return milliseconds(all[max(0, int(math.Ceil(q*float64(len(all))))-1)]) } // nearest rank
	return spread{at(0.5), at(0.99), at(1)}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// silence is the longest time in which none of these events came.
func silence(events []time.Time) time.Duration {
	slices.SortFunc(events, time.Time.Compare)
	var longest time.Duration
	for i := 1; i < len(events); i++ {
		longest = max(longest, events[i].Sub(events[i-1]))
	}
	return longest
}

// perSecond is how many come in a second.
func perSecond(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }
