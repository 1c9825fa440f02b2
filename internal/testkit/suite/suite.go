// Package suite says which tests run. `go test` runs the short suite. With REKEY_TEST=all it
// runs the long one too, and a missing program is a failure instead of a skip.
package suite

import (
	"os"
	"os/exec"
	"testing"
)

// All reports whether every test runs.
//
// Call it only where the answer matters. The go command repeats the tests of a package that has
// read the variable when its value changes. All other results come from its cache.
func All() bool { return os.Getenv("REKEY_TEST") == "all" }

// Long ends a test of the long suite: one that takes long, or judges the time that something takes.
func Long(tb testing.TB) {
	tb.Helper()
	if !All() {
		tb.Skip("it belongs to the long suite: run it with REKEY_TEST=all")
	}
}

// Program finds a program by its names. A test that needs a missing one ends.
func Program(tb testing.TB, names ...string) (path string) {
	tb.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(tb, names[0])
	return ""
}

// Missing ends a test that needs a program which is not installed.
func Missing(tb testing.TB, program string) {
	tb.Helper()
	if All() {
		tb.Fatalf("%s is missing, and REKEY_TEST=all runs every test", program)
	}
	tb.Skipf("%s is missing: install it to run this test", program)
}
