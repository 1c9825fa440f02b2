package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// openSizes are how many resets wait for their links to be used.
func openSizes() []int { return []int{1_000, 10_000, 50_000} }

const (
	openSamples = 200
	openBatch   = 500
)

// sample is what was seen with so many open runs.
type sample struct {
	open           int
	memory         map[string]float64 // MiB, of each part
	forgot, submit spread
}

// open measures a worker's memory and the answers while many resets are open.
func (b *bench) open(ctx context.Context) (_ []*table, err error) {
	sizes := openSizes()
	people := warm + b.scaled(sizes[len(sizes)-1]) + len(sizes)*b.scaled(openSamples)
	s, err := b.newSite(ctx, role{Hashing: cheapest(), LinkLife: 12 * time.Hour}, people, nil, "temporal", "worker", "starter")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.warmUp(ctx); err != nil {
		return nil, err
	}
	t := &table{Title: "Open runs", Columns: []string{
		"open", "worker MiB", "starter MiB", "Temporal MiB", "forgot p50 ms", "forgot p99 ms", "submit p50 ms", "submit p99 ms",
	}}
	var seen []sample
	opened := 0
	for _, size := range sizes {
		size = b.scaled(size)
		if err := b.openMore(ctx, s, opened, size); err != nil {
			return []*table{t}, err
		}
		opened = size
		b.say("open: measure with %d runs", size)
		f, err := s.sample(ctx, size, b.scaled(openSamples))
		if err != nil {
			return []*table{t}, err
		}
		seen = append(seen, f)
		t.add(f.open, f.memory["worker"], f.memory["starter"], f.memory["temporal"], f.forgot.P50, f.forgot.P99, f.submit.P50, f.submit.P99)
	}
	b.flat("worker memory", seen, func(s sample) float64 { return s.memory["worker"] })
	b.flat("forgot p50", seen, func(s sample) float64 { return s.forgot.P50 })
	return []*table{t}, nil
}

// flat compares the most with the least of all sizes. A p99 is not judged: it is the second
// longest of 200 answers.
func (b *bench) flat(what string, seen []sample, of func(sample) float64) {
	least, most := math.Inf(1), 0.0
	for _, s := range seen {
		least, most = min(least, of(s)), max(most, of(s))
	}
	b.most(fmt.Sprintf("%s, %d to %d open runs: most to least", what, seen[0].open, seen[len(seen)-1].open), most/least, 1.2)
}

// openMore opens runs until there are so many.
func (b *bench) openMore(ctx context.Context, s *site, opened, size int) error {
	for opened < size {
		b.say("open: %d of %d runs", opened, size)
		n := min(openBatch, size-opened)
		if _, _, err := atOnce(ctx, n, hashingWorkers, s.link); err != nil {
			return err
		}
		opened += n
	}
	return nil
}

// sample measures n resets, one at a time; they do not stay open.
func (s *site) sample(ctx context.Context, open, n int) (sample, error) {
	seen := sample{open: open, memory: map[string]float64{}}
	for part, c := range s.parts {
		r, err := c.ask(measureMemory)
		if err != nil {
			return seen, err
		}
		seen.memory[part] = float64(r.Memory) / (1 << 20)
	}
	all, _, err := atOnce(ctx, n, 1, s.reset)
	t := tally{hops: all}
	seen.forgot, seen.submit = t.spread(hopKinds()[0]), t.spread(submitAnswer())
	return seen, err
}
