package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// BenchmarkForgot is a request from click to answer, one at a time, each for another
// account. Known and unknown addresses are different benchmarks only to be compared.
func BenchmarkForgot(b *testing.B) {
	for _, known := range []bool{true, false} {
		b.Run(fmt.Sprintf("known=%v", known), func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				address := fmt.Sprintf("nobody-%d@example.com", people.Add(1))
				if known {
					b.StopTimer()
					address = newPerson(b, shared, nil).Address
					b.StartTimer()
				}
				took = append(took, clock(func() { forgot(b, shared, address) }))
			}
			median(b, took)
		})
	}
}

// BenchmarkSubmit is a new password from click to "okay". The hash is a cheap one: what
// remains is what rekey and Temporal take.
func BenchmarkSubmit(b *testing.B) {
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		who := newPerson(b, shared, func(a *account.Account) { a.Credential = "x" })
		forgot(b, shared, who.Address)
		token, _ := tokens(b, shared, who.Address, 1)
		waitForTimer(b, shared, who.Address)
		b.StartTimer()
		took = append(took, clock(func() {
			if a := reset(b, shared, token, newPassword); a.code != 200 {
				b.Fatalf("reset: %+v", a)
			}
		}))
	}
	median(b, took)
}

func clock(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func median(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, "median-ms")
	b.ReportMetric(float64(took[len(took)*95/100])/1e6, "p95-ms")
}
