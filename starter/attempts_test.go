package starter

import (
	"testing"
	"time"
)

// security 15: ten evaluations per link and minute; another link has its own.
func TestAttemptsPerLink(t *testing.T) {
	t.Parallel()
	a, err := newAttempts(linkAttempts, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	link, other, now := [32]byte{1}, [32]byte{2}, time.Now()
	for i := range linkAttempts {
		if !a.another(link, now.Add(time.Duration(i)*time.Second)) {
			t.Errorf("attempt %d is one too many", i+1)
		}
	}
	for at, want := range map[time.Duration]bool{30 * time.Second: false, 59 * time.Second: false} {
		if got := a.another(link, now.Add(at)); got != want {
			t.Errorf("after %v: %t", at, got)
		}
	}
	if !a.another(other, now.Add(30*time.Second)) {
		t.Error("another link has had no attempt")
	}
	if !a.another(link, now.Add(time.Minute)) || a.another(link, now.Add(time.Minute)) {
		t.Error("after a minute the first attempt counts no more, and the second does")
	}
}
