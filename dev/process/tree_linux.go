package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Tree is the CPU time of a process, of its children that have ended, and of all that those
// it has now began. It is known on Linux only: [errors.ErrUnsupported].
func Tree(pid int) (time.Duration, error) {
	all, err := stats()
	if err != nil {
		return 0, err
	}
	if _, there := all[pid]; !there {
		return 0, fmt.Errorf("there is no process %d", pid)
	}
	var sum time.Duration
	for each := range all {
		if all.descends(each, pid) {
			sum += all[each].used
		}
	}
	return sum, nil
}

// Peak is the most memory that a process has had so far, in MiB. It is known on Linux only:
// [errors.ErrUnsupported]. (The kernel's ru_maxrss is no less than that of the program which
// began the process.)
func Peak(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(after, &kib); !found || err != nil {
		return 0, errors.Join(fmt.Errorf("no peak of process %d", pid), err)
	}
	return kib / 1024, nil
}

// tick is the unit of times in /proc, on every Linux that Go runs on.
const tick = time.Second / 100

// clock is the CPU time of a process alone, in nanoseconds: a tick is too coarse for a short
// measurement. The clock's number is that of clock_getcpuclockid(3).
func clock(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|scheduled), &t) //nolint:gosec // a process ID has at most 22 bits
	return time.Duration(t.Nano()), err
}

// stat is the content of /proc/PID/stat.
type stat struct {
	parent int
	used   time.Duration
}

// processes are those that run, by ID.
type processes map[int]stat

// descends reports whether a process is another one or was begun by it.
func (p processes) descends(pid, from int) bool {
	for pid != 0 && pid != from {
		pid = p[pid].parent
	}
	return pid == from
}

// stats are those of all processes. One that ends meanwhile is left out.
func stats() (processes, error) {
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := processes{}
	for _, path := range found {
		line, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2]) // the pattern wants a number
		one, err := parse(string(line))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		own, err := clock(pid)
		if err != nil {
			continue
		}
		one.used += own
		all[pid] = one
	}
	return all, nil
}

// parse reads the fields after the name in brackets: state, parent, ..., cutime (14th), cstime. The
// two are the time of children that have ended.
func parse(line string) (s stat, err error) {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 15 {
		return s, errors.New("it has too few fields")
	}
	if s.parent, err = strconv.Atoi(fields[1]); err != nil {
		return s, err
	}
	for _, field := range fields[13:15] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return s, err
		}
		s.used += time.Duration(ticks) * tick
	}
	return s, nil
}
