package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/rekeyhq/rekey/password"
)

const (
	hashingResets  = 480 // of each kind
	hashingWorkers = 32  // submissions at once; those that have no core wait for one
)

// cheapest is the least Argon2id there is, so that what remains is the rest.
func cheapest() password.Params { return password.Params{Memory: 8, Time: 1, Threads: 1} }

// crowd is many who submit at once.
type crowd struct {
	batches
	name    string
	hashing password.Params
	others  bool // ask for mails meanwhile

	waited []time.Duration // these others, for their answers
}

// hashing measures whether all cores are busy while many submit, and whether the others are
// still answered.
func (b *bench) hashing(ctx context.Context) (_ []*table, err error) {
	crowds := []*crowd{
		{name: "cheapest", hashing: cheapest()},
		{name: "usual", hashing: password.DefaultParams()},
		{name: "usual, and others ask", hashing: password.DefaultParams(), others: true},
	}
	n, alone := b.batch(hashingResets), batches{}
	s, err := b.newSite(ctx, role{}, rounds*n*len(crowds)+mostOthers, nil, "temporal", "worker")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for round := range rounds {
		b.say("hashing: nothing but hashes, batch %d of %d", round+1, rounds)
		took, err := hashAlone(ctx, n)
		if err != nil {
			return nil, err
		}
		alone.add(n, took, nil, nil)
		for _, c := range crowds {
			b.say("hashing: %s, batch %d of %d", c.name, round+1, rounds)
			if err := c.submit(ctx, s, n); err != nil {
				return nil, err
			}
		}
	}
	return b.hashed(alone, crowds), nil
}

// hashAlone makes n hashes on all cores while nothing else runs.
func hashAlone(ctx context.Context, n int) (time.Duration, error) {
	_, took, err := atOnce(ctx, n, runtime.GOMAXPROCS(0), func(context.Context) (string, error) {
		return password.DefaultParams().Hash(newPassword, make([]byte, 16)), nil
	})
	return took, err
}

// submit makes n links, with a starter that hashes as this crowd wants it, and then submits
// through all of them.
func (c *crowd) submit(ctx context.Context, s *site, n int) (err error) {
	s.Hashing = c.hashing
	if err := s.start(ctx, "starter"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop("starter")) }()
	tokens, _, err := atOnce(ctx, n, hashingWorkers, s.link)
	if err != nil {
		return err
	}
	links := make(chan string, n)
	for _, token := range tokens {
		links <- token
	}
	_, err = c.run(s, "hashing", n, func() (took time.Duration, err error) {
		err = c.meanwhile(ctx, s, func() error {
			_, took, err = atOnce(ctx, n, hashingWorkers, func(ctx context.Context) (bool, error) { return s.submit(ctx, <-links) })
			return err
		})
		return took, err
	})
	return err
}

// hashed makes the tables. In CPU time, and in what submissions take, those are left out who
// ask for mails: they are no part of a submission. Whether the cores are busy is told by the
// CPU time of all that a submission needs, since Temporal and the worker are on them too.
func (b *bench) hashed(alone batches, crowds []*crowd) []*table {
	t := &table{Title: fmt.Sprintf("Hashing, %d submissions at once", hashingWorkers), Columns: []string{
		"hash", "submissions/s", "ms each", "CPU ms each", "cores busy", "others wait p50 ms", "others wait p99 ms", "others wait longest ms",
	}}
	busy := func(c *crowd) float64 {
		return c.each("temporal", "worker", "starter") / c.milliseconds() / float64(runtime.NumCPU())
	}
	for _, c := range crowds {
		s := spreadOf(c.waited)
		t.add(c.name, c.perSecond(), c.milliseconds(), c.each("temporal", "worker", "starter"), busy(c), s.P50, s.P99, s.Max)
	}
	usual, others := crowds[1], crowds[2]
	sum := &table{Title: "Hashes", Columns: []string{"nothing but hashes, a second", "ms each"}}
	sum.add(alone.perSecond(), alone.milliseconds())
	b.least("submissions to what the cores hash with nothing beside it", usual.perSecond()/alone.perSecond(), 0.9)
	b.least("cores busy while passwords are submitted", busy(usual), 0.9)
	b.most("forgot answered while passwords are hashed, p99 ms", spreadOf(others.waited).P99, 100)
	return []*table{t, sum}
}
