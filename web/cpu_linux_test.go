package web

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// security 4: a forged link costs no call and, with all of HTTP, no more CPU than a few missing
// pages.
func TestForgedLinkIsCheap(t *testing.T) {
	s := newRealStarter(t)
	h := newTestHandler(t, s)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// spend adds the CPU time of 200 requests. The kernel may count in steps of milliseconds.
	spend := func(total *time.Duration, path string, status int) {
		before := threadTime(t)
		for range 200 {
			if w := exchange(h, "POST", path, jsonBody("password", goodPassword), asJSON); w.Code != status {
				t.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
			}
		}
		*total += threadTime(t) - before
	}
	var missing, refused time.Duration
	forged := "/account/reset_password/" + s.forged(t)
	for missing < 200*time.Millisecond { // twenty of the largest steps; both in turn, so a busy machine slows both
		spend(&missing, "/account/nothing", 404)
		spend(&refused, forged, 400)
	}
	const most = 8 // about 2 on every machine; one hash of a password would be 2,000
	if refused > most*missing {
		t.Errorf("forged links cost %v of CPU and as many missing pages %v, want at most %d times as much", refused, missing, most)
	}
	if calls := s.calls.Load(); calls != 0 {
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
