// Command report reads the output of `go test -json` and writes a report for people. It has a
// line for each package as it ends, the output of each failed test, and the ten slowest tests.
// Skipped tests follow with the reason. It exits with 1 when something has failed.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	r := &report{out: os.Stdout, output: map[string]string{}, skips: map[string]map[string]bool{}}
	if err := r.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
	r.end()
	if r.failed {
		os.Exit(1)
	}
}

// event is a line of `go test -json`, as `go doc test2json` has it.
type event struct {
	Time                          time.Time
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// name is the package without the module, and the test.
func (e event) name() string {
	name := strings.TrimPrefix(e.Package, "github.com/rekeyhq/rekey/")
	if e.Test != "" {
		name += "." + e.Test
	}
	return name
}

type report struct {
	out    io.Writer
	last   time.Time                  // of a line
	output map[string]string          // of the packages and tests that have not ended
	ended  []event                    // tests, without their subtests
	skips  map[string]map[string]bool // names of tests by the reason
	failed bool
}

func (r *report) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(r.out, lines.Text())
			continue
		}
		r.take(e)
	}
	return lines.Err()
}

func (r *report) take(e event) {
	name := e.name()
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[name] += e.Output
	case "skip":
		r.skip(e)
		fallthrough
	case "pass", "fail":
		r.finish(e, name)
		delete(r.output, name)
	}
}

// quiet is how long no line appears at most, when tests end meanwhile.
const quiet = 20 * time.Second

func (r *report) finish(e event, name string) {
	if e.Action == "fail" {
		r.failed = true
		for _, n := range slices.Sorted(maps.Keys(r.output)) { // a package has those of tests that never ended
			if n == name || e.Test == "" && strings.HasPrefix(n, name+".") {
				fmt.Fprint(r.out, r.output[n])
			}
		}
	}
	if e.Test == "" || e.Time.Sub(r.last) > quiet {
		fmt.Fprintf(r.out, "%-4s %6.1fs  %s\n", e.Action, e.Elapsed, name)
		r.last = e.Time
	}
	if e.Test != "" && !strings.Contains(e.Test, "/") {
		r.ended = append(r.ended, e)
	}
}

// said is a line of t.Skip, behind the place that it was called from.
var said = regexp.MustCompile(`(?m)^ +\S+\.go:\d+: (.*)$`)

func (r *report) skip(e event) {
	reason := said.FindStringSubmatch(r.output[e.name()])
	if e.Test == "" || reason == nil {
		return // a package without tests
	}
	if r.skips[reason[1]] == nil {
		r.skips[reason[1]] = map[string]bool{}
	}
	name, _, _ := strings.Cut(e.name(), "."+e.Test)
	test, _, _ := strings.Cut(e.Test, "/")
	r.skips[reason[1]][name+"."+test] = true
}

func (r *report) end() {
	slices.SortStableFunc(r.ended, func(a, b event) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	fmt.Fprintln(r.out, "\nThe slowest tests:")
	for _, e := range r.ended[:min(10, len(r.ended))] {
		fmt.Fprintf(r.out, "%6.1fs  %s\n", e.Elapsed, e.name())
	}
	for _, reason := range slices.Sorted(maps.Keys(r.skips)) {
		tests := slices.Sorted(maps.Keys(r.skips[reason]))
		fmt.Fprintf(r.out, "\nSkipped, in %d tests: %s\n  %s\n", len(tests), reason, strings.Join(tests, "\n  "))
	}
}
