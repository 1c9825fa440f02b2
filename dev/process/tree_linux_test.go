package process

import (
	"os"
	"testing"
	"time"
)

// A name may have brackets and spaces in it.
func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse("12 (a) (b c) S 7 1 1 0 -1 0 0 0 0 0 100 20 3 4 20 0 1")
	if want := (stat{7, 70 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "12 (a) S 7", "12 (a) S x 1 1 0 -1 0 0 0 0 0 100 20 3 4", "12 (a) S 7 1 1 0 -1 0 0 0 0 0 100 20 x 4"} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestDescends(t *testing.T) {
	t.Parallel()
	all := processes{1: {}, 2: {parent: 1}, 3: {parent: 2}, 4: {parent: 1}}
	for pid, want := range map[int]bool{1: false, 2: true, 3: true, 4: false} {
		if got := all.descends(pid, 2); got != want {
			t.Errorf("%d is of 2: %v", pid, got)
		}
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	// A test measures what takes less than a tick.
	if used, err := Tree(os.Getpid()); err != nil || used <= 0 || used%tick == 0 {
		t.Errorf("this process: %v, %v", used, err)
	}
	if _, err := Tree(-1); err == nil {
		t.Error("a process that cannot be has used something")
	}
	if peak, err := Peak(os.Getpid()); err != nil || peak < 1 {
		t.Errorf("this process: %v MiB, %v", peak, err)
	}
	if _, err := Peak(-1); err == nil {
		t.Error("a process that cannot be has memory")
	}
}
