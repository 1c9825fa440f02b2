package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"golang.org/x/sync/errgroup"
)

// longest is how long all may take: a mail that never comes must not hang it.
const longest = 10 * time.Minute

// record tells all stories and returns their runs.
func record(ctx context.Context, keyset string) (map[string]*historypb.History, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	t := &tape{runs: map[string]*recorded{}, began: time.Now()}
	all, ctx := errgroup.WithContext(ctx)
	for _, s := range sets() {
		t.stories += len(s.stories)
		all.Go(func() error { return t.record(ctx, keyset, s) })
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	histories := map[string]*historypb.History{}
	for name, r := range t.runs {
		histories[name] = r.History
	}
	return histories, apart(t.runs)
}

// tape is what is recorded so far.
type tape struct {
	began   time.Time
	stories int

	mu   sync.Mutex
	done int
	runs map[string]*recorded
}

// record tells the stories of a set, on a product of their own.
func (t *tape) record(ctx context.Context, keyset string, s set) (err error) {
	l, err := newLab(ctx, keyset, s.life, s.coolDown)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	told, ctx := errgroup.WithContext(ctx)
	told.SetLimit(s.together)
	for _, story := range s.stories {
		told.Go(func() error {
			runs, err := story.tell(ctx, l)
			if err != nil {
				return fmt.Errorf("story %s: %w", story.name, err)
			}
			t.keep(story.name, runs)
			return nil
		})
	}
	return told.Wait()
}

func (t *tape) keep(story string, runs map[string]*recorded) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.Copy(t.runs, runs)
	t.done++
	fmt.Printf("%4.0fs  %2d of %d  %s\n", time.Since(t.began).Seconds(), t.done, t.stories, story)
}
