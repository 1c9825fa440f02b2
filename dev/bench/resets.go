package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/password"
)

// load is so many resets, so many at once.
type load struct{ workers, resets int }

// loads are small, middling and more than two cores can do.
func loads() []load { return []load{{1, 120}, {8, 480}, {32, 2000}} }

const (
	// usualShare is of how many resets one is measured with the usual hash too.
	usualShare = 4
	// warm is how many resets and runs of the floor fill caches and make connections.
	warm = 32
)

// subject is a site and what the measurement of resets has found about it.
type subject struct {
	*site
	database string
	tallies  []*tally // of each load with the cheapest hash, then of each with the usual one
}

// resets measures whole resets against the floor, on each database of Temporal.
func (b *bench) resets(ctx context.Context) (_ []*table, err error) {
	var subjects []*subject
	defer func() {
		for _, s := range subjects {
			err = errors.Join(err, s.close())
		}
	}()
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		b.say("resets: start Temporal on %s", database)
		s, err := b.newSubject(ctx, database)
		if errors.Is(err, postgrestest.ErrMissing) {
			b.say("resets: nothing on PostgreSQL: %v", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, s)
	}
	for i, l := range loads() {
		if err := b.compare(ctx, subjects, i, l); err != nil {
			return nil, err
		}
	}
	for _, s := range subjects {
		if err := b.usual(ctx, s); err != nil {
			return nil, err
		}
	}
	if b.chart != "" {
		if err := draw(subjects, b.chart); err != nil {
			return nil, fmt.Errorf("--chart %s: %w", b.chart, err)
		}
	}
	return b.report(subjects)
}

func (b *bench) newSubject(ctx context.Context, database string) (_ *subject, err error) {
	s, people := &subject{database: database}, 3*warm
	for _, l := range loads() {
		s.tallies = append(s.tallies, &tally{})
		people += rounds*b.batch(l.resets) + b.scaled(l.resets/usualShare)
	}
	var postgres *postgrestest.Server
	if database == "PostgreSQL" {
		// As it is by default, where that of the tests is not.
		if postgres, err = postgrestest.New("fsync=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=128MB"); err != nil {
			return nil, err
		}
	}
	if s.site, err = b.newSite(ctx, role{Hashing: cheapest()}, people, postgres, "temporal", "floor", "worker", "starter"); err != nil {
		return nil, err
	}
	_, _, floorErr := atOnce(ctx, warm, warm, s.floor)
	if err := errors.Join(floorErr, s.warmUp(ctx)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *site) warmUp(ctx context.Context) error {
	_, _, err := atOnce(ctx, warm, warm, s.reset)
	return err
}

// compare gives each subject its batches of the floor and of resets under a load, in turns.
func (b *bench) compare(ctx context.Context, subjects []*subject, i int, l load) error {
	n := b.batch(l.resets)
	for round := range rounds {
		for _, s := range subjects {
			b.say("resets: %s, %d at once, batch %d of %d", s.database, l.workers, round+1, rounds)
			err := inTurn(
				round,
				func() error { return s.tallies[i].measureFloor(ctx, s, n, l.workers) },
				func() error { return s.tallies[i].measureResets(ctx, s, n, l.workers) },
			)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// usual measures resets with the hash that people get.
func (b *bench) usual(ctx context.Context, s *subject) error {
	s.Hashing = password.DefaultParams()
	if err := errors.Join(s.stop("starter"), s.start(ctx, "starter")); err != nil {
		return err
	}
	if err := s.warmUp(ctx); err != nil {
		return err
	}
	for _, l := range loads() {
		b.say("resets: %s, %d at once, with the usual hash", s.database, l.workers)
		t := &tally{}
		if err := t.measureResets(ctx, s, b.scaled(l.resets/usualShare), l.workers); err != nil {
			return err
		}
		s.tallies = append(s.tallies, t)
	}
	return nil
}

// tally is what the batches under one load have given so far.
type tally struct {
	floor, reset     batches
	floorTimes       []time.Duration
	hops             []hops
	longest          time.Duration // without an answer or a mail anywhere
	hashing, judging time.Duration // of the starter's CPU time
}

func (t *tally) measureFloor(ctx context.Context, s *subject, n, workers int) error {
	_, err := t.floor.run(s.site, "floor-"+s.database, n, func() (time.Duration, error) {
		times, took, err := atOnce(ctx, n, workers, s.floor)
		t.floorTimes = append(t.floorTimes, times...)
		return took, err
	})
	return err
}

func (t *tally) measureResets(ctx context.Context, s *subject, n, workers int) error {
	profiles, err := t.reset.run(s.site, "resets-"+s.database, n, func() (time.Duration, error) {
		began := time.Now()
		all, took, err := atOnce(ctx, n, workers, s.reset)
		t.hops = append(t.hops, all...)
		t.longest = max(t.longest, silence(append(moments(all), began)))
		return took, err
	})
	if err != nil {
		return err
	}
	spent, err := spentIn(profiles["starter"], argon, passwords)
	t.hashing += spent[argon]
	t.judging += spent[passwords]
	return err
}
