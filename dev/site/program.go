package site

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Main runs the tests of a package that makes sites and returns the exit code. The sites run a
// rekey that is built with the flags.
func Main(run func() int, buildFlags ...string) int {
	if len(buildFlags) > 0 {
		dir, err := os.MkdirTemp("", "rekey-site-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		rekey, one = built(dir, "cmd/rekey", buildFlags), built(dir, "one", buildFlags)
	}
	// The tests mostly wait, for processes, timers and mails. The flag on a command line wins.
	if err := flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	return run()
}

// rekey is the path of the program of all sites of a test binary.
var rekey = sync.OnceValues(func() (string, error) { return tool("rekey") })

// one is the path of the program of one machine.
var one = sync.OnceValues(func() (string, error) { return tool("one") })

// built is a program that is built when it is needed.
func built(dir, pkg string, flags []string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		path := filepath.Join(dir, filepath.Base(pkg))
		return path, build(path, pkg, flags...)
	})
}

// tool is the path of a program that a go.mod file names as a tool. The go command keeps it among
// what it has compiled, so all packages of tests use one.
func tool(name string) (string, error) {
	out, err := exec.Command("go", "tool", "-n", name).Output() //nolint:gosec,noctx // one of three names
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Build builds rekey with these flags of the go command into a file.
func Build(t *testing.T, path string, flags ...string) {
	t.Helper()
	if err := build(path, "cmd/rekey", flags...); err != nil {
		t.Fatal(err)
	}
}

// BuildOne is Build for the program of one machine.
func BuildOne(t *testing.T, path string, flags ...string) {
	t.Helper()
	if err := build(path, "one", flags...); err != nil {
		t.Fatal(err)
	}
}

func build(path, pkg string, flags ...string) error {
	args := append([]string{"build", "-o", path}, flags...)
	out, err := exec.Command("go", append(args, "github.com/rekeyhq/rekey/"+pkg)...).CombinedOutput() //nolint:gosec,noctx // a test chooses the build
	if err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
