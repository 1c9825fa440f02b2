package main

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
)

// pairs is what `go run ./dev/cmd/timing` takes too.
const pairs = 500

// security 1, 2: the time of an answer does not tell who has an account, in any situation.
func TestTimeTellsNothing(t *testing.T) {
	for _, s := range scenarios() {
		r, err := s.judge(t.Context(), pairs)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-36s %4d pairs, account %v, nobody %v, AUC %.3f", s.name, len(r.known), median(r.known), median(r.unknown), r.auc())
		if !r.even() {
			t.Errorf("%s: AUC %.3f is more than %.2f from a coin's 0.5", s.name, r.auc(), most)
		}
	}
}

// security 2: an account whose answers take twice as long is found, also by 1,500
// pairs. On a quiet machine one millisecond is; on a busy one that is less than answers
// differ by chance, so the leak is measured by the answers.
func TestLeakIsFound(t *testing.T) {
	s := scenario{name: "leak", before: leak(t)}
	r, err := s.judge(t.Context(), pairs)
	if err != nil {
		t.Fatal(err)
	}
	if r.even() {
		t.Errorf("AUC %.3f", r.auc())
	}
}

// leak puts a proxy in front of the product that works as long as a usual answer takes
// for who has an account.
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
