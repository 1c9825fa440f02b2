package starter

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/link"
)

// security 4: a forged link costs less than 0.2 ms of CPU, with everything that HTTP does about it.
func TestForgedLinkIsCheap(t *testing.T) {
	f := newFilter(t)
	h := newTestHandler(t, f)
	forged := swapCase(f.token(t, link.Reset, time.Now().Add(time.Minute)))
	const n, most = 2000, 200 * time.Microsecond
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime(t)
	for range n {
		w := exchange(h, "POST", "/account/reset_password/"+forged, jsonBody("password", goodPassword), asJSON)
		if w.Code != 400 {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
	each := (threadTime(t) - before) / n
	t.Logf("%v each", each)
	if each > most {
		t.Errorf("a forged link costs %v of CPU, want at most %v", each, most)
	}
	if calls := f.calls.Load(); calls != 0 {
		t.Errorf("%d calls", calls)
	}
}

// threadTime is the CPU time of this thread.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	const thread = 1 // RUSAGE_THREAD
	if err := syscall.Getrusage(thread, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
