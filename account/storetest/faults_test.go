package storetest

import (
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/rekeyhq/rekey/account/bolt"
)

// fault is a way in which a store can be wrong, and the check that must find it.
type fault struct {
	check string
	name  string
	put   func(*broken)
}

func faults() []fault {
	return slices.Concat(readFaults(), mailFaults(), changeFaults(), recordFaults(), noticeFaults(), owedFaults(), endFaults(),
		refusalFaults(), firstFaults(), raceFaults(), sweepFaults(), ledgerFaults(), blockFaults(), listFaults())
}

// recorder takes note of a failure where a test would fail.
type recorder struct {
	testing.TB
	failed atomic.Bool
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failed.Store(true)
	r.Logf(format, args...)
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.SkipNow()
}

// fails reports whether a check fails for a store with a fault.
func fails(t *testing.T, c check, put func(*broken)) bool {
	t.Helper()
	r := &recorder{TB: t}
	good, err := bolt.Open(filepath.Join(t.TempDir(), "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = good.Close() })
	t.Run("check", func(t *testing.T) {
		r.TB = t
		c.run(&suite{r, breakStore(good, put)})
	})
	return r.failed.Load()
}

// The suite finds each fault, by the check that is there for it.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	for _, f := range faults() {
		t.Run(f.check+"/"+f.name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(checks, func(c check) bool { return c.name == f.check })
			if i < 0 {
				t.Fatalf("no check is named %q", f.check)
			}
			if !fails(t, checks[i], f.put) {
				t.Error("the suite does not see it")
			}
		})
	}
}

// A check that no fault makes fail is none.
func TestEveryCheckCanFail(t *testing.T) {
	t.Parallel()
	for _, c := range checks {
		if !slices.ContainsFunc(faults(), func(f fault) bool { return f.check == c.name }) {
			t.Errorf("no fault for check %q", c.name)
		}
	}
}

// The suite finds the fault and not the wrapper around the store.
func TestNoFaultIsFoundInAGoodStore(t *testing.T) {
	t.Parallel()
	for _, c := range checks {
		if fails(t, c, func(*broken) {}) {
			t.Errorf("check %q fails", c.name)
		}
	}
}
