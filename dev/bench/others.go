package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	othersEvery = 100 * time.Millisecond
	mostOthers  = 10_000
)

// meanwhile does something while, if the crowd is of that kind, others ask for mails.
func (c *crowd) meanwhile(ctx context.Context, s *site, do func() error) error {
	if !c.others {
		return do()
	}
	during, over := context.WithCancel(ctx)
	asked := make(chan error, 1)
	go func() { asked <- c.ask(during, s) }()
	err := do()
	over()
	return errors.Join(err, <-asked)
}

// ask asks for a mail every now and then, whether the last one was answered or not, until the
// context ends; then it waits for the answers that are missing.
func (c *crowd) ask(ctx context.Context, s *site) error {
	tick := time.NewTicker(othersEvery)
	defer tick.Stop()
	var all errgroup.Group
	var mu sync.Mutex
	for ctx.Err() == nil {
		all.Go(func() error {
			took, err := timed(s.oneOther)(context.WithoutCancel(ctx))
			mu.Lock()
			defer mu.Unlock()
			c.waited = append(c.waited, took)
			return err
		})
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return all.Wait()
}

func (s *site) oneOther(ctx context.Context) error {
	who, err := s.nobodyYet()
	if err != nil {
		return err
	}
	return s.forgot(ctx, who)
}
