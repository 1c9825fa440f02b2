package timing

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// samples are the times of one scenario's answers.
type samples struct {
	known, unknown []time.Duration
}

func (s samples) auc() float64 { return auc(s.known, s.unknown) }

// most is how far from the 0.5 of a coin an attacker's guess may be.
const most = 0.05

func (s samples) even() bool { return s.within(most) }

func (s samples) within(limit float64) bool { return math.Abs(s.auc()-0.5) <= limit }

// auc is the chance that a time of one group is above one of the other, ties counting half. It
// is the area under the curve of an attacker who guesses by time (Mann-Whitney). 0.5 is a coin.
func auc(a, b []time.Duration) float64 {
	type sample struct {
		took time.Duration
		of   int
	}
	all := make([]sample, 0, len(a)+len(b))
	for _, t := range a {
		all = append(all, sample{t, 1})
	}
	for _, t := range b {
		all = append(all, sample{t, 0})
	}
	slices.SortFunc(all, func(x, y sample) int { return cmp.Compare(x.took, y.took) })
	ranks := 0.0 // of group a
	for i := 0; i < len(all); {
		j, mine := i, 0
		for j < len(all) && all[j].took == all[i].took {
			mine += all[j].of
			j++
		}
		ranks += float64(mine) * float64(i+1+j) / 2
		i = j
	}
	n, m := float64(len(a)), float64(len(b))
	return (ranks - n*(n+1)/2) / (n * m)
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
