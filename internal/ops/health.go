// Package ops answers the monitoring of a process: the probes of an orchestrator, and
// Prometheus. Nothing that it says names anybody or is secret, and nothing that it is sent is
// read. But counts tell who asks for an address at a quiet hour whether it has an account, so
// they are for those who may use `rekey find`.
package ops

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"github.com/alexliesenfeld/health"
)

// Check is one thing that a process needs. It is asked on a timer and never by a probe, so
// that a flood of probes costs nothing.
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

// Health is whether a process can do its work. It is safe for concurrent use.
type Health struct {
	checks   []Check
	checker  health.Checker
	draining atomic.Bool
}

// NewHealth begins to check. Stop ends it.
func NewHealth(checks ...Check) *Health {
	var options []health.CheckerOption
	for _, c := range checks {
		options = append(options, health.WithPeriodicCheck(c.Every, 0, health.Check{
			Name: c.Name, Timeout: cmp.Or(c.Wait, askWait), Check: c.Ask,
		}))
	}
	return &Health{checks: checks, checker: health.NewChecker(options...)}
}

// Drain makes the process unready for good: it finishes what it has begun and takes no more.
func (h *Health) Drain() { h.draining.Store(true) }

// Stop ends the checks.
func (h *Health) Stop() { h.checker.Stop() }

// Report is the answer to a probe: words of this package, and what a check may tell.
type Report struct {
	Status string            `json:"status"` // ready, degraded, unavailable or draining
	Checks map[string]string `json:"checks"` // up, down, or unknown before the first answer
	// Reasons are those of checks that are down and may say why.
	Reasons map[string]string `json:"reasons,omitempty"`
}

// Report says how things were when they were last checked.
func (h *Health) Report() Report {
	found := h.checker.Check(context.Background()).Details
	r := Report{Status: "ready", Checks: map[string]string{}}
	for _, c := range h.checks {
		state := found[c.Name].Status
		r.Checks[c.Name] = string(state)
		if err := found[c.Name].Error; err != nil && c.Tell != nil {
			r.reason(c.Name, c.Tell(err))
		}
		switch {
		case state == health.StatusUp || r.Status == "unavailable":
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

func (r *Report) reason(name, why string) {
	if why == "" {
		return
	}
	if r.Reasons == nil {
		r.Reasons = map[string]string{}
	}
	r.Reasons[name] = why
}

// Ready says whether the process should be given work.
func (r Report) Ready() bool { return r.Status == "ready" || r.Status == "degraded" }
