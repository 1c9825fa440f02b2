package starter

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// An answer to a request comes after leastAnswer at least, and up to answerSpread later by chance.
// Work that goes on after an answer keeps the machine busy for different times. That delays the
// next answer a little; hence the chance.
const (
	leastAnswer  = 8 * time.Millisecond
	answerSpread = 16 * time.Millisecond
	// recentCalls is how many calls of a kind count.
	recentCalls = 128
)

// pace is when requests are answered: when their calls to Temporal have ended, in nearly all cases.
// A request looks at a run, starts or signals one, or does both. Which of them depends on whether
// the account's run is closed, so the time of the calls would reveal accounts. The answer waits for
// the time that both take, as the last calls of all requests have taken it.
//
// It is safe for concurrent use.
type pace struct {
	mu            sync.Mutex
	looks, starts calls
}

// calls are the times of the last calls of a kind.
type calls struct {
	took [recentCalls]time.Duration
	n    int // calls so far
}

func (c *calls) add(took time.Duration) {
	c.took[c.n%recentCalls] = took
	c.n++
}

// most is the time of all calls but one in twenty.
func (c *calls) most() time.Duration {
	if c.n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(c.took[:min(c.n, recentCalls)]))
	return sorted[len(sorted)*19/20]
}

// looked and started count a call that began then and has been answered.
func (p *pace) looked(began time.Time)  { p.add(&p.looks, time.Since(began)) }
func (p *pace) started(began time.Time) { p.add(&p.starts, time.Since(began)) }

func (p *pace) add(to *calls, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to.add(took)
}

// step is the least time of an answer. It grows by halves, so that it rarely changes.
func (p *pace) step() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	step := leastAnswer
	for calls := p.looks.most() + p.starts.most(); step < calls; {
		step += step / 2
	}
	return step
}

// answer is the time of the next answer.
func (p *pace) answer() time.Duration {
	return p.step() + rand.N(answerSpread) //nolint:gosec // nobody may guess it, and nothing is lost if they do
}
