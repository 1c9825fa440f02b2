package workflow_test

import (
	"runtime"
	"testing"
	"time"

	sdkconverter "go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/workflow"
)

// A million accounts are forced once each, at the rate. Memory stays as it was after the first runs,
// and no run has more resets than the others. The SDK's environment keeps 9 kB of each child workflow
// for ever, so the test plays these without one.
func TestAMillionAccounts(t *testing.T) {
	suite.Long(t)
	const accounts, rate = 1_000_000, 50
	c := newCrowd(t, accounts, rate)
	c.light, c.data = make([]uint8, accounts+1), sdkconverter.GetDefaultDataConverter()
	var before uint64
	c.plan = func(c *crowd, run int) {
		if run%100 != 0 {
			return
		}
		c.listed = nil
		now := heap()
		t.Logf("run %d: %d accounts, heap %d MB", run, c.total, now>>20)
		if before == 0 {
			before = now
		} else if now > before+32<<20 {
			t.Errorf("run %d: the heap has grown from %d MB to %d MB", run, before>>20, now>>20)
		}
	}
	p := c.end()
	for n, times := range c.light[1:] {
		if times != 1 {
			t.Fatalf("account %d was forced %d times", n+1, times)
		}
	}
	diff(t, "counts", p.Counts, workflow.Counts{Total: accounts, Started: accounts})
	diff(t, "most resets of a run", c.most, 1_000)
	diff(t, "runs", c.runs, accounts/1_000+1)
	took, want := p.Ends.Sub(p.Began), time.Duration(accounts/rate)*time.Second
	t.Logf("%s for %s", took, want)
	if took < want*95/100 || took > want*105/100 {
		t.Errorf("it took %s, want %s", took, want)
	}
}

// heap is the memory in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
