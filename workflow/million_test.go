package workflow_test

import (
	"runtime"
	"testing"
	"time"

	sdkconverter "go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/workflow"
)

// A million accounts are forced once each, at the rate. No run has more resets than the others, and
// hands more over than a campaign of few accounts. The SDK's environment keeps 9 kB of each child
// workflow for ever, so the test plays these without one. It keeps 40 kB of each run too.
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
		} else if now > before+64<<20 {
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
	if c.handed > 1_000 {
		t.Errorf("a run hands %d bytes over", c.handed)
	}
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
