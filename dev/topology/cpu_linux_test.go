package topology

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/process"
)

// tick is the unit of times in /proc, on every Linux that Go runs on.
const tick = time.Second / 100

// stat is what /proc/PID/stat has of a process: its parent, and the CPU time that it and
// those of its children that have ended have used.
func stat(pid int) (parent int, used time.Duration, err error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// After the name in brackets: state, parent, ..., utime (12th), stime, cutime, cstime.
	fields := strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return 0, 0, err
	}
	for _, field := range fields[11:15] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return 0, 0, err
		}
		used += time.Duration(ticks) * tick
	}
	return parent, used, nil
}

// of is the CPU time of a process.
func of(p *process.Process) func(*testing.T) time.Duration {
	return func(t *testing.T) time.Duration {
		t.Helper()
		_, used, err := stat(p.Pid())
		if err != nil {
			t.Fatal(err)
		}
		return used
	}
}

// ofCluster is the CPU time of a PostgreSQL server and of all its children.
func ofCluster(l *ledger) func(*testing.T) time.Duration {
	return func(t *testing.T) time.Duration {
		t.Helper()
		var backend int
		l.scan(t, "SELECT pg_backend_pid()", &backend)
		postmaster, _, err := stat(backend)
		if err != nil {
			t.Fatal(err)
		}
		_, sum, err := stat(postmaster)
		if err != nil {
			t.Fatal(err)
		}
		return sum + children(t, postmaster)
	}
}

func children(t *testing.T, of int) (sum time.Duration) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		pid, _ := strconv.Atoi(filepath.Base(dir)) // the pattern wants a number
		if parent, used, err := stat(pid); err == nil && parent == of {
			sum += used
		}
	}
	return sum
}

// stop ends a process as its operator does.
func stop(t *testing.T, p *process.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Exit(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
