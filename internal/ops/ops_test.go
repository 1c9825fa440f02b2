package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/ops"
)

// switched is a check that fails on demand, with a text that no client may see.
type switched struct {
	broken atomic.Bool
	asked  atomic.Int64
}

func (s *switched) ask(context.Context) error {
	s.asked.Add(1)
	if s.broken.Load() {
		return errors.New("marked: ann@example.com")
	}
	return nil
}

// probe requests a path and returns the status and the body.
func probe(h http.Handler, method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func ready(t *testing.T, h http.Handler) (int, ops.Report) {
	t.Helper()
	code, body := probe(h, "GET", "/readyz", "")
	if strings.Contains(body, "marked") {
		t.Errorf("readyz quotes an error: %s", body)
	}
	var r ops.Report
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return code, r
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var temporal, mail switched
		health := ops.NewHealth(
			ops.Check{Name: "temporal", Ask: temporal.ask, Every: 5 * time.Second},
			ops.Check{Name: "mail", Ask: mail.ask, Every: 30 * time.Second, Optional: true},
		)
		defer health.Stop()
		h := ops.Handler(health, http.NotFoundHandler())
		expect := func(code int, status, temporal, mail string) {
			t.Helper()
			synctest.Wait()
			got, report := ready(t, h)
			want := ops.Report{Status: status, Checks: map[string]string{"temporal": temporal, "mail": mail}}
			if diff := cmp.Diff(want, report); diff != "" || got != code {
				t.Errorf("status %d, want %d (-want +got):\n%s", got, code, diff)
			}
		}
		expect(200, "ready", "up", "up")
		mail.broken.Store(true)
		time.Sleep(31 * time.Second)
		expect(200, "degraded", "up", "down")
		temporal.broken.Store(true)
		time.Sleep(6 * time.Second)
		expect(503, "unavailable", "down", "down")
		temporal.broken.Store(false)
		time.Sleep(6 * time.Second)
		expect(200, "degraded", "up", "down")
		health.Drain()
		expect(503, "draining", "up", "down")
		if code, _ := probe(h, "GET", "/livez", ""); code != 200 {
			t.Errorf("livez: %d", code)
		}
	})
}

// A flood of probes causes no check: checks are made on their own time.
func TestProbesCostNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var temporal switched
		health := ops.NewHealth(ops.Check{Name: "temporal", Ask: temporal.ask, Every: 5 * time.Second})
		defer health.Stop()
		h := ops.Handler(health, http.NotFoundHandler())
		for range 10_000 {
			ready(t, h)
		}
		synctest.Wait()
		if n := temporal.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// A check that does not answer is down after three seconds, and keeps no probe waiting. A
// process is ready as soon as it has started.
func TestCheckThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		later := ops.NewLater()
		health := ops.NewHealth(
			ops.Check{Name: "hangs", Ask: hang, Every: time.Minute, Optional: true},
			ops.Check{Name: "later", Ask: later.Ask, Every: time.Minute},
		)
		defer health.Stop()
		h := ops.Handler(health, http.NotFoundHandler())
		if code, report := ready(t, h); code != 503 || report.Checks["later"] != "unknown" {
			t.Errorf("before any answer: %d %+v", code, report)
		}
		time.Sleep(time.Second)
		later.Is(func(context.Context) error { return nil })
		synctest.Wait()
		if code, report := ready(t, h); code != 200 || report.Checks["hangs"] != "unknown" {
			t.Errorf("started: %d %+v", code, report)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if code, report := ready(t, h); code != 200 || report.Checks["hangs"] != "down" {
			t.Errorf("after its time: %d %+v", code, report)
		}
	})
}

// A check that ignores its context, or panics, is down and ends neither the process nor the
// other checks.
func TestCheckThatMisbehaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		defer close(free)
		var temporal switched
		health := ops.NewHealth(
			ops.Check{Name: "deaf", Ask: func(context.Context) error { <-free; return nil }, Every: time.Minute},
			ops.Check{Name: "panics", Ask: func(context.Context) error { panic("marked") }, Every: time.Minute},
			ops.Check{Name: "temporal", Ask: temporal.ask, Every: time.Second},
		)
		defer health.Stop()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		want := map[string]string{"deaf": "down", "panics": "down", "temporal": "up"}
		if diff := cmp.Diff(want, health.Report().Checks); diff != "" || temporal.asked.Load() < 4 {
			t.Errorf("asked %d times (-want +got):\n%s", temporal.asked.Load(), diff)
		}
		stopping := time.Now()
		if health.Stop(); time.Since(stopping) > 0 { // by the clock of the bubble
			t.Error("the end waits for the next check")
		}
	})
}

func TestRequestsThatAreNone(t *testing.T) {
	t.Parallel()
	health := ops.NewHealth()
	defer health.Stop()
	h := ops.Handler(health, http.NotFoundHandler())
	for _, tc := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/livez", "", 200},
		{"HEAD", "/livez", "", 200},
		{"GET", "/readyz", "", 200},
		{"GET", "/", "", 404},
		{"GET", "/account/reset_password/marked", "", 404},
		{"POST", "/livez", "", 405},
		{"GET", "/readyz", "a body", 413},
		{"GET", "/metrics", "a body", 413},
	} {
		if code, body := probe(h, tc.method, tc.path, tc.body); code != tc.want || strings.Contains(body, "marked") {
			t.Errorf("%s %s: %d %s, want %d", tc.method, tc.path, code, body, tc.want)
		}
	}
}
