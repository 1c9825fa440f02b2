// Package timing measures whether the time of an answer reveals an account. It runs the whole
// product and sends requests, in pairs, for an account and an unknown address, in every
// situation that could make a difference. It has tests only.
//
// security 2.
package timing

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// security 1, 2: the time of an answer does not reveal an account, in any situation.
func TestTimeTellsNothing(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if r := s.judge(t, *away); !r.even() {
				t.Errorf("AUC %.3f is more than %.2f from the 0.5 of a coin", r.auc(), most)
			}
		})
	}
}

// security 2: the time of an answer follows that of the calls, which differ by 20 ms here.
func TestTimeTellsNothingFarFromTemporal(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := usedAtOnce()
	s.pairs = farPairs
	if r := s.judge(t, 20*time.Millisecond); !r.within(2 * most) {
		t.Errorf("AUC %.3f is more than %.2f from the 0.5 of a coin", r.auc(), 2*most)
	}
}

// security 2: an account whose answers take twice as long is found. On a quiet machine one
// millisecond is enough. On a busy one answers differ more by chance, so the leak is measured by the
// answers.
func TestLeakIsFound(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	if r := (scenario{before: leak(t), pairs: farPairs}).judge(t, 0); r.even() {
		t.Errorf("AUC %.3f", r.auc())
	}
}

// judge measures a scenario until all its samples together are even, three times at most. Of
// 500 pairs that are alike one sample in 160 misses by chance (the AUC's standard deviation is
// 0.018). Of 1,500 pairs one in half a million does (0.011).
func (s scenario) judge(t *testing.T, trip time.Duration) (all samples) {
	t.Helper()
	for try := 0; try < 3 && (try == 0 || !all.even()) && !t.Failed(); try++ {
		t.Run("", func(t *testing.T) {
			more := s.measure(t, trip)
			all.known, all.unknown = append(all.known, more.known...), append(all.unknown, more.unknown...)
		})
	}
	if !t.Failed() {
		t.Logf("%d pairs, account %v, nobody %v, AUC %.3f", len(all.known), median(all.known), median(all.unknown), all.auc())
	}
	return all
}

// leak puts a proxy in front of the product. For accounts it works as long as a usual answer
// takes.
func leak(t *testing.T) func(context.Context, *lab) error {
	t.Helper()
	return func(ctx context.Context, l *lab) error {
		works, err := usual(ctx, l)
		if err != nil {
			return err
		}
		target, err := url.Parse(l.URL)
		if err != nil {
			return err
		}
		proxy := httputil.NewSingleHostReverseProxy(target)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if strings.Contains(string(body), "known") {
				for began := time.Now(); time.Since(began) < works; {
				}
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			proxy.ServeHTTP(w, r)
		})}
		go server.Serve(listener)
		t.Cleanup(func() { server.Close() })
		l.URL = "http://" + listener.Addr().String()
		return nil
	}
}

// usual is how long an answer takes: the median of a hundred.
func usual(ctx context.Context, l *lab) (time.Duration, error) {
	var times []time.Duration
	for i := range 100 {
		start := time.Now()
		if err := l.ask(ctx, fmt.Sprintf("anybody%d@example.com", i)); err != nil {
			return 0, err
		}
		times = append(times, time.Since(start))
	}
	return median(times), nil
}

func TestAUC(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		a, b []time.Duration
		want float64
	}{
		"all above":  {[]time.Duration{3, 4}, []time.Duration{1, 2}, 1},
		"all below":  {[]time.Duration{1, 2}, []time.Duration{3, 4}, 0},
		"same":       {[]time.Duration{1, 1, 1}, []time.Duration{1, 1}, 0.5},
		"interleave": {[]time.Duration{1, 4}, []time.Duration{2, 3}, 0.5},
		"one tie":    {[]time.Duration{2, 3}, []time.Duration{1, 2}, 0.875},
	} {
		slices.Reverse(tc.a)
		if got := auc(tc.a, tc.b); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
