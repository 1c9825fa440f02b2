package web

import (
	"runtime"
	"syscall"
	"testing"
	"time"
)

// security 4: a forged link costs no call and no more CPU than a few pages that do not exist, with everything that HTTP does about both.
func TestForgedLinkIsCheap(t *testing.T) {
	s := newRealStarter(t)
	h := newTestHandler(t, s)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// fastest is the least CPU time that 200 requests took: a busy machine makes single rounds dear, not all of them.
	fastest := func(path string, status int) time.Duration {
		best := time.Hour
		for range 10 {
			before := threadTime(t)
			for range 200 {
				w := exchange(h, "POST", path, jsonBody("password", goodPassword), asJSON)
				if w.Code != status {
					t.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
				}
			}
			best = min(best, threadTime(t)-before)
		}
		return best
	}
	missing, refused := fastest("/account/nothing", 404), fastest("/account/reset_password/"+s.forged(t), 400)
	const most = 8 // about 2 on every machine; one hash of a password would be 2,000
	if refused > most*missing {
		t.Errorf("200 forged links cost %v of CPU and 200 missing pages %v, want at most %d times as much", refused, missing, most)
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
