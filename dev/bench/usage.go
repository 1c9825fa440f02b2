package main

import (
	"errors"
	"math"
	"time"

	"github.com/rekeyhq/rekey/dev/process"
)

// usage is the CPU time of each part so far; it is nil where the system does not tell.
type usage map[string]time.Duration

// usage is that of a site and of its PostgreSQL.
func (s *site) usage() (usage, error) {
	used := usage{}
	for part, pid := range s.pids() {
		cpu, err := process.Tree(pid)
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		used[part] = cpu
	}
	return used, nil
}

func (s *site) pids() map[string]int {
	pids := map[string]int{}
	for part, c := range s.parts {
		pids[part] = c.cmd.Process.Pid
	}
	if s.postgres != nil {
		pids["postgres"] = s.postgres.Pid()
	}
	return pids
}

// peak is the most memory that a part has had, in MiB; NaN where the system does not tell.
func (s *site) peak(part string) (float64, error) {
	peak, err := process.Peak(s.pids()[part])
	if errors.Is(err, errors.ErrUnsupported) {
		return math.NaN(), nil
	}
	return peak, err
}

// batches are all the batches of something.
type batches struct {
	n    int
	took time.Duration
	cpu  usage // nil where the system does not tell
}

// run measures a batch of n, and returns the profiles that were taken meanwhile.
func (b *batches) run(s *site, what string, n int, do func() (time.Duration, error)) (map[string][]byte, error) {
	return s.watch(what, func() error {
		before, err := s.usage()
		if err != nil {
			return err
		}
		took, err := do()
		if err != nil {
			return err
		}
		after, err := s.usage()
		b.add(n, took, before, after)
		return err
	})
}

func (b *batches) add(n int, took time.Duration, before, after usage) {
	b.n, b.took = b.n+n, b.took+took
	if b.cpu == nil && after != nil {
		b.cpu = usage{}
	}
	for part, cpu := range after {
		b.cpu[part] += cpu - before[part]
	}
}

func (b *batches) perSecond() float64 { return perSecond(b.n, b.took) }

// milliseconds of time for one.
func (b *batches) milliseconds() float64 { return milliseconds(b.took) / float64(b.n) }

// each is the CPU time of some parts for one, in milliseconds.
func (b *batches) each(parts ...string) float64 {
	if b.cpu == nil {
		return math.NaN()
	}
	var sum time.Duration
	for _, part := range parts {
		sum += b.cpu[part]
	}
	return milliseconds(sum) / float64(b.n)
}
