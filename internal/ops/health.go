// Package ops answers the monitoring of a process: the probes of an orchestrator, and
// Prometheus. Its answers hold no name and no secret, and it reads no input. But counts reveal
// at a quiet hour whether a requested address has an account. So they are for users of `rekey
// find` only.
package ops

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Check is one thing that a process needs. A timer calls it and never a probe, so that a flood
// of probes costs nothing.
type Check struct {
	Name string
	// Ask returns nil when all is well.
	Ask func(context.Context) error
	// Tell turns an error of Ask into the text for probes; nil, or "", gives none.
	Tell  func(error) string
	Wait  time.Duration // how long Ask may take; 0 means three seconds
	Every time.Duration // and so old a probe's answer may be
	// Optional makes the process degraded, and no less ready, when the check fails.
	Optional bool
}

// askWait is how long a check may take that names no time.
const askWait = 3 * time.Second

// once calls the check a single time. A check that ignores its context, or panics, has failed.
func (c Check) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Wait, askWait))
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		defer func() {
			if recover() != nil {
				answer <- errors.New("the check panics")
			}
		}()
		answer <- c.Ask(ctx)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Health is whether a process can do its work. It is safe for concurrent use.
type Health struct {
	checks   []Check
	stop     context.CancelFunc
	loops    sync.WaitGroup
	draining atomic.Bool

	mu      sync.Mutex
	states  map[string]string // by the name of the check, as in a Report
	reasons map[string]string
}

// NewHealth begins to check. Stop ends it.
func NewHealth(checks ...Check) *Health {
	ctx, stop := context.WithCancel(context.Background())
	h := &Health{checks: checks, stop: stop, states: map[string]string{}, reasons: map[string]string{}}
	for _, c := range checks {
		h.states[c.Name] = "unknown"
	}
	for _, c := range checks {
		h.loops.Go(func() { h.repeat(ctx, c) })
	}
	return h
}

func (h *Health) repeat(ctx context.Context, c Check) {
	for ctx.Err() == nil {
		h.note(c, c.once(ctx))
		select {
		case <-time.After(c.Every):
		case <-ctx.Done():
		}
	}
}

func (h *Health) note(c Check, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.reasons, c.Name)
	if err == nil {
		h.states[c.Name] = "up"
		return
	}
	h.states[c.Name] = "down"
	if c.Tell == nil {
		return
	}
	if why := c.Tell(err); why != "" {
		h.reasons[c.Name] = why
	}
}

// Drain makes the process unready for good: it finishes what it has begun and takes no more.
func (h *Health) Drain() { h.draining.Store(true) }

// Stop ends the checks.
func (h *Health) Stop() {
	h.stop()
	h.loops.Wait()
}

// Report is the answer to a probe: words of this package, and the public part of a check.
type Report struct {
	Status string            `json:"status"` // ready, degraded, unavailable or draining
	Checks map[string]string `json:"checks"` // up, down, or unknown before the first answer
	// Reasons are those of checks that are down and may say why.
	Reasons map[string]string `json:"reasons,omitempty"`
}

// Report says how things were when they were last checked.
func (h *Health) Report() Report {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := Report{Status: "ready", Checks: maps.Clone(h.states), Reasons: maps.Clone(h.reasons)}
	for _, c := range h.checks {
		switch {
		case r.Checks[c.Name] == "up" || r.Status == "unavailable":
		case c.Optional:
			r.Status = "degraded"
		default:
			r.Status = "unavailable"
		}
	}
	if h.draining.Load() {
		r.Status = "draining"
	}
	return r
}

// Ready says whether the process should be given work.
func (r Report) Ready() bool { return r.Status == "ready" || r.Status == "degraded" }
