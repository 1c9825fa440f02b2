package topology

import (
	"syscall"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/process"
)

// of is the CPU time of a process and of all that it began.
func of(pid int) func(*testing.T) time.Duration {
	return func(t *testing.T) time.Duration {
		t.Helper()
		used, err := process.Tree(pid)
		if err != nil {
			t.Fatal(err)
		}
		return used
	}
}

// stop ends a process as its operator does.
func stop(t *testing.T, p *process.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
