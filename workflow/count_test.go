package workflow_test

import (
	"cmp"
	"sync"

	"go.temporal.io/sdk/client"
)

// meter has the counters of a run, by name and reason.
type meter struct {
	client.MetricsHandler
	reason string
	*totals
}

type totals struct {
	mu    sync.Mutex
	total map[string]int64
}

func newMeter() meter {
	return meter{client.MetricsNopHandler, "", &totals{total: map[string]int64{}}}
}

// WithTags implements client.MetricsHandler.
func (m meter) WithTags(tags map[string]string) client.MetricsHandler {
	if why := cmp.Or(tags["reason"], tags["result"]); why != "" {
		m.reason = " " + why
	}
	return m
}

// Counter implements client.MetricsHandler.
func (m meter) Counter(name string) client.MetricsCounter { return counter{m, name + m.reason} }

type counter struct {
	meter
	name string
}

// Inc implements client.MetricsCounter.
func (c counter) Inc(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total[c.name] += n
}
