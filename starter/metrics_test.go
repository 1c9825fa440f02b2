package starter

import (
	"maps"
	"testing"

	"go.temporal.io/sdk/client"
)

// counters counts by the tag code.
type counters struct {
	client.MetricsHandler
	code  string
	total map[string]int64
}

func (c counters) WithTags(tags map[string]string) client.MetricsHandler {
	c.code = tags["code"]
	return c
}

func (c counters) Counter(name string) client.MetricsCounter { return counter{c, name} }

type counter struct {
	counters
	name string
}

func (c counter) Inc(n int64) { c.total[c.name+" "+c.code] += n }

// security 3: what the limits refuse is counted, each under its code.
func TestRefusedRequestsAreCounted(t *testing.T) {
	t.Parallel()
	got := counters{total: map[string]int64{}}
	counted := func(c *HandlerConfig) { c.Metrics, c.ClientLimit = got, 2 }
	for _, err := range []error{nil, ErrOverloaded, ErrBusy} {
		h := newTestHandler(t, &fakeResets{err: err}, counted)
		for range 3 {
			ask(h, "198.51.100.7", "a@example.com")
		}
	}
	want := map[string]int64{
		"rekey_request_failures too_many_requests": 3,
		"rekey_request_failures overloaded":        2,
		"rekey_request_failures busy":              2,
	}
	if !maps.Equal(got.total, want) {
		t.Errorf("%v, want %v", got.total, want)
	}
}
