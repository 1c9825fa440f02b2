package main

import (
	"fmt"
	"time"
)

// report makes the tables of resets, and compares them with what is wanted.
func (b *bench) report(subjects []*subject) ([]*table, error) {
	speed := &table{Title: "Resets per second", Columns: []string{"database", "hash", "at once", "resets", "floor/s", "resets/s", "resets to floor", "longest silence ms", "answered 202"}}
	times := &table{Title: "Milliseconds from what is asked to what is got", Columns: []string{"database", "hash", "at once", "what", "p50", "p99", "longest"}}
	cpu := &table{Title: "CPU milliseconds of one run", Columns: []string{"database", "hash", "at once", "what", "Temporal", "PostgreSQL", "worker", "starter", "judging", "hashing", "all"}}
	memory := &table{Title: "Most memory of a process, MiB", Columns: []string{"database", "Temporal", "worker", "starter"}}
	for _, s := range subjects {
		for i, t := range s.tallies {
			l, hash := loads()[i%len(loads())], "cheapest"
			if i >= len(loads()) {
				hash = "usual"
			} else {
				t.judge(b, s.database, l.workers)
			}
			t.rows(row{s.database, hash, l.workers}, speed, times, cpu)
		}
		if err := s.memory(memory); err != nil {
			return nil, err
		}
	}
	return []*table{speed, times, cpu, memory}, nil
}

// row is how the rows of a load begin.
type row []any

func (r row) with(cells ...any) row { return append(append(row{}, r...), cells...) }

func (t *tally) rows(begin row, speed, times, cpu *table) {
	floor := t.floor.perSecond()
	speed.add(begin.with(t.reset.n, floor, t.reset.perSecond(), t.reset.perSecond()/floor, milliseconds(t.longest), t.late())...)
	n := float64(t.reset.n)
	hashing, judging := milliseconds(t.hashing)/n, milliseconds(t.judging)/n
	if t.floor.n > 0 {
		s := spreadOf(t.floorTimes)
		times.add(begin.with("floor: the answer", s.P50, s.P99, s.Max)...)
		cpu.add(begin.with("floor", t.floor.each("temporal"), t.floor.each("postgres"), t.floor.each("floor"),
			0.0, 0.0, 0.0, t.floor.each("temporal", "postgres", "floor"))...)
	}
	for _, h := range hopKinds() {
		s := t.spread(h)
		times.add(begin.with(h.what, s.P50, s.P99, s.Max)...)
	}
	cpu.add(begin.with("reset", t.reset.each("temporal"), t.reset.each("postgres"), t.reset.each("worker"),
		t.reset.each("starter")-hashing-judging, judging, hashing, t.reset.each("temporal", "postgres", "worker", "starter"))...)
}

// late is how many answers were 202: taken, and not yet applied.
func (t *tally) late() (n int) {
	for _, h := range t.hops {
		if h.Late {
			n++
		}
	}
	return n
}

func (t *tally) spread(k hopKind) spread {
	all := make([]time.Duration, len(t.hops))
	for i, h := range t.hops {
		all[i] = k.of(h)
	}
	return spreadOf(all)
}

// memory asks when all is done, so that the starter's has usual hashes in it.
func (s *subject) memory(into *table) error {
	cells := row{s.database}
	for _, part := range []string{"temporal", "worker", "starter"} {
		peak, err := s.peak(part)
		if err != nil {
			return err
		}
		cells = append(cells, peak)
	}
	into.add(cells...)
	return nil
}

// tick is how often Temporal's queues look for work by Temporal's own defaults, and how long a
// starter waits before it asks a run again whose worker was slow; in milliseconds.
const tick = 50

// judge compares a load with what is wanted of it.
func (t *tally) judge(b *bench, database string, workers int) {
	name := func(what string) string { return fmt.Sprintf("%s, %d at once: %s", database, workers, what) }
	b.least(name("resets to floor"), t.reset.perSecond()/t.floor.perSecond(), 0.8)
	var longest, median, wait float64
	for _, k := range hopKinds() {
		s := t.spread(k)
		longest, median, wait = max(longest, s.Max), max(median, s.P50), max(wait, s.P99-s.P50)
	}
	submit := t.spread(submitAnswer())
	switch workers {
	case 1:
		b.most(name("median of any hop, ms: less than a poll tick"), median, tick)
		b.most(name("p99 less p50 of any hop, ms: no poll tick"), wait, tick)
	case 8:
		b.most(name("p99 to p50 of the submit answer"), submit.P99/submit.P50, 3)
	case 32:
		b.most(name("longest time without any answer or mail, ms"), milliseconds(t.longest), 1000)
		b.most(name("longest wait for an answer to a new password, ms"), submit.Max, 1000)
		b.most(name("longest hop of all, ms"), longest, 1000)
	}
}
