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
// and no run has more resets than the others.
func TestAMillionAccounts(t *testing.T) {
	suite.Long(t)
	const accounts, rate = 1_000_000, 50
	c := newCrowd(t, accounts, rate)
	c.keep, c.data = false, sdkconverter.GetDefaultDataConverter() // a seal is a third of the time
	var before uint64
	c.plan = func(c *crowd, run int) {
		if run%100 != 0 {
			return
		}
		clear(c.listed)
		c.listed = c.listed[:0]
		now := heap()
		t.Logf("run %d: %d accounts, heap %d MB", run, len(c.forced), now>>20)
		if run == 100 {
			before = now - uint64(len(c.forced))*perAccount
		} else if now > before+uint64(len(c.forced))*perAccount+32<<20 {
			t.Errorf("run %d: the heap has grown from %d MB to %d MB", run, before>>20, now>>20)
		}
	}
	p := c.end()
	c.once(1, accounts)
	diff(t, "counts", p.Counts, workflow.Counts{Total: accounts, Started: accounts})
	diff(t, "most resets of a run", c.most, 1_000)
	diff(t, "runs", c.runs, accounts/1_000+1)
	took, want := p.Ends.Sub(p.Began), time.Duration(accounts/rate)*time.Second
	t.Logf("%s for %s", took, want)
	if took < want*95/100 || took > want*105/100 {
		t.Errorf("it took %s, want %s", took, want)
	}
}

// perAccount is what the test itself remembers of an account: a key of 32 bytes and a number.
const perAccount = 120

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
