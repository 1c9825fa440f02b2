package password

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// hold occupies a place of the budget until the returned func is called.
func hold(t *testing.T, b *Budget) (release func()) {
	t.Helper()
	running, done, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		err := b.Do(context.Background(), func() error {
			close(running)
			<-done
			return nil
		})
		if err != nil {
			t.Errorf("holder: %v", err)
		}
	}()
	<-running
	return func() {
		close(done)
		<-ended
	}
}

// never fails the test when it is run.
func never(t *testing.T) func() error {
	t.Helper()
	return func() error {
		t.Error("f was run")
		return nil
	}
}

func TestDoReturnsWhatFReturns(t *testing.T) {
	t.Parallel()
	b, want := NewBudget(1, 0, time.Second), errors.New("weak")
	if err := b.Do(t.Context(), func() error { return want }); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if err := b.Do(t.Context(), func() error { return nil }); err != nil {
		t.Errorf("error %v, want none", err)
	}
}

// security 15: at most N at once, the others wait and get their turn.
func TestAtMostSoManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const parallel, callers = 3, 200
		b := NewBudget(parallel, callers, time.Hour)
		var mu sync.Mutex
		now, most, runs := 0, 0, 0
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				err := b.Do(t.Context(), func() error {
					mu.Lock()
					now++
					most, runs = max(most, now), runs+1
					mu.Unlock()
					time.Sleep(time.Second) // the bubble's clock: all others get to run
					mu.Lock()
					now--
					mu.Unlock()
					return nil
				})
				if err != nil {
					t.Errorf("caller: %v", err)
				}
			})
		}
		wg.Wait()
		if most != parallel || runs != callers {
			t.Errorf("%d at once and %d runs, want %d and %d", most, runs, parallel, callers)
		}
	})
}

// security 15: the queue is bounded, and a full one refuses a caller at once.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1, 1, time.Hour)
		release := hold(t, b)
		waited := make(chan error)
		go func() { waited <- b.Do(t.Context(), func() error { return nil }) }()
		synctest.Wait() // it is in the queue
		if running, waiting := b.Load(); running != 1 || waiting != 1 {
			t.Errorf("load %d and %d, want one that runs and one that waits", running, waiting)
		}
		start := time.Now()
		if err := b.Do(t.Context(), never(t)); !errors.Is(err, ErrBusy) {
			t.Errorf("error %v, want ErrBusy", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("answered after %v, want at once", took)
		}
		release()
		if err := <-waited; err != nil {
			t.Errorf("the one in the queue: %v", err)
		}
		if running, waiting := b.Load(); running != 0 || waiting != 0 {
			t.Errorf("load %d and %d afterwards", running, waiting)
		}
	})
}

// security 15: the wait has a deadline, and a caller who gave up leaves the queue.
func TestWaitIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1, 1, 10*time.Second)
		release := hold(t, b)
		for range 3 { // the queue has one place, so each of them left it
			start := time.Now()
			if err := b.Do(t.Context(), never(t)); !errors.Is(err, ErrBusy) {
				t.Errorf("error %v, want ErrBusy", err)
			}
			if took := time.Since(start); took != 10*time.Second {
				t.Errorf("waited %v, want 10s", took)
			}
		}
		release()
		if err := b.Do(t.Context(), func() error { return nil }); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestContextEndsInTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1, 1, time.Hour)
		release := hold(t, b)
		for range 3 { // the queue has one place, so each of them left it
			ctx, cancel := context.WithCancel(t.Context())
			waited := make(chan error)
			go func() { waited <- b.Do(ctx, never(t)) }()
			synctest.Wait() // it is in the queue
			cancel()
			if err := <-waited; !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want context.Canceled", err)
			}
		}
		release()
	})
}

func TestEndedContextRunsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := NewBudget(1, 0, time.Hour)
	for range 100 { // a place is free: without the guard half of them would run
		if err := b.Do(ctx, never(t)); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want context.Canceled", err)
		}
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(1, 5, time.Hour)
		release := hold(t, b)
		var order []int
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				_ = b.Do(t.Context(), func() error {
					order = append(order, i) // one at once: the budget is the lock
					return nil
				})
			})
			synctest.Wait()
		}
		release()
		wg.Wait()
		if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("order %v", order)
		}
	})
}

// A panic in f, and bounds that make no sense, leave a budget that works.
func TestBudgetKeepsItsPlaces(t *testing.T) {
	t.Parallel()
	b := NewBudget(0, -1, 0)
	for range 3 {
		func() {
			defer func() { _ = recover() }()
			_ = b.Do(t.Context(), func() error { panic("f") })
		}()
	}
	for range 100 { // no wait at all is enough for a free place
		if err := b.Do(t.Context(), func() error { return nil }); err != nil {
			t.Fatalf("error %v, want none", err)
		}
	}
}
