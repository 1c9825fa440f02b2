package web

import (
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/starter"
)

// counted has the counters, by metric and labels.
type counted struct {
	tags string
	*counts
}

type counts struct {
	mu    sync.Mutex
	known map[string]bool
	total map[string]int64
}

func newCounted() counted {
	return counted{counts: &counts{known: map[string]bool{}, total: map[string]int64{}}}
}

func (c counted) WithTags(tags map[string]string) client.MetricsHandler {
	for _, name := range []string{"code", "http.request.method", "http.route", "http.response.status_code"} {
		if value, ok := tags[name]; ok {
			c.tags += " " + value
		}
		delete(tags, name)
	}
	if len(tags) > 0 {
		c.tags += " and more labels"
	}
	return c
}

func (c counted) Counter(name string) client.MetricsCounter { return series{c, name} }
func (c counted) Timer(name string) client.MetricsTimer     { return series{c, name} }
func (c counted) Gauge(string) client.MetricsGauge          { return client.MetricsNopHandler.Gauge("") }

type series struct {
	counted
	name string
}

func (s series) Inc(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[s.name+s.tags] = true
	if n > 0 {
		s.total[s.name+s.tags] += n
	}
}

func (s series) Record(time.Duration) { s.Inc(1) }

// security 3: refusals of the limits are counted, each under its code.
func TestRefusedRequestsAreCounted(t *testing.T) {
	t.Parallel()
	got := newCounted()
	limited := func(c *Config) { c.Metrics, c.ClientLimit = got, 2 }
	for _, err := range []error{nil, starter.ErrOverloaded, starter.ErrBusy} {
		h := newTestHandler(t, &fakeResets{err: err}, limited)
		for range 3 {
			ask(h, "198.51.100.7", "a@example.com")
		}
	}
	const requests = "http.server.request.duration POST /account/forgot_password "
	want := map[string]int64{
		"rekey_request_failures too_many_requests": 3,
		"rekey_request_failures overloaded":        2,
		"rekey_request_failures busy":              2,
		requests + "200":                           2,
		requests + "429":                           3,
		requests + "503":                           4,
	}
	if !maps.Equal(got.total, want) {
		t.Errorf("%v, want %v", got.total, want)
	}
}

// An alert on the increase of a counter sees its first event only if the counter was there before.
func TestEveryCodeIsKnownFromTheStart(t *testing.T) {
	t.Parallel()
	got := newCounted()
	newTestHandler(t, &fakeResets{}, func(c *Config) { c.Metrics = got })
	document, _ := readDocument(t)
	for _, code := range document.Components.Schemas["Code"].Enum {
		if !got.known["rekey_request_failures "+code] {
			t.Errorf("%s is not announced", code)
		}
	}
}

// security 11: for any request, a label is a route, a status or a code of rekey.
func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	got := newCounted()
	h := newTestHandler(t, &fakeResets{link: starter.Link{State: starter.LinkOpen}}, func(c *Config) { c.Metrics = got })
	for _, path := range []string{"/account/change-password/marked", "/marked?email=marked", "/account/static/marked"} {
		for _, method := range []string{http.MethodGet, "MARKED", http.MethodDelete} {
			exchange(h, method, path, "")
		}
	}
	want := map[string]int64{
		"http.server.request.duration GET /account/change-password/{token} 200":    1,
		"http.server.request.duration DELETE /account/change-password/{token} 405": 1,
		"http.server.request.duration _OTHER /account/change-password/{token} 405": 1,
		"http.server.request.duration GET / 404":                                   1,
		"http.server.request.duration DELETE / 404":                                1,
		"http.server.request.duration _OTHER / 404":                                1,
		"http.server.request.duration GET /account/static/{file} 404":              1,
		"http.server.request.duration DELETE /account/static/{file} 405":           1,
		"http.server.request.duration _OTHER /account/static/{file} 405":           1,
		"rekey_request_failures not_found":                                         4,
		"rekey_request_failures method_not_allowed":                                4,
	}
	if !maps.Equal(got.total, want) {
		t.Errorf("%v, want %v", got.total, want)
	}
}
