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
	"sync"
	"testing"
)

// Main runs the tests of a package that makes sites and returns the exit code. In a
// process that a site started to be its Temporal server, it is that instead. The flags
// are for building rekey.
func Main(run func() int, buildFlags ...string) int {
	if addr, ok := os.LookupEnv(temporalAddr); ok {
		return serve(addr)
	}
	rekey.flags = buildFlags
	defer rekey.remove()
	// The tests mostly wait, for processes, timers and mails. The flag on a command line wins.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	return run()
}

// rekey is the program of all sites of a test binary.
var rekey program

// program is rekey, built when it is first needed.
type program struct {
	flags []string
	once  sync.Once
	path  string
	err   error
}

func (p *program) build() (string, error) {
	p.once.Do(func() {
		dir, err := os.MkdirTemp("", "rekey-site-")
		if err != nil {
			p.err = err
			return
		}
		p.path = filepath.Join(dir, "rekey")
		p.err = errors.Join(build(p.path, p.flags...), os.Chmod(dir, 0o711)) //nolint:gosec // a test may run it as a user without rights
	})
	return p.path, p.err
}

func (p *program) remove() {
	if p.path != "" {
		_ = os.RemoveAll(filepath.Dir(p.path))
	}
}

// Build builds rekey with these flags of the go command into a file.
func Build(t *testing.T, path string, flags ...string) {
	t.Helper()
	if err := build(path, flags...); err != nil {
		t.Fatal(err)
	}
}

func build(path string, flags ...string) error {
	args := append([]string{"build", "-o", path}, flags...)
	out, err := exec.Command("go", append(args, "github.com/rekeyhq/rekey/cmd/rekey")...).CombinedOutput() //nolint:gosec,noctx // a test chooses the build
	if err != nil {
		return fmt.Errorf("build rekey: %w\n%s", err, out)
	}
	return nil
}
