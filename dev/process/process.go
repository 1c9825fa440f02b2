// Package process runs a program as a child of a test. A test waits for its output and sends it
// signals, and it does not outlive the test.
package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a line or the end of a program is waited for. It only bounds a
// test that has failed already.
const patience = 60 * time.Second

// Process is a program that a test started. Its methods may be called concurrently.
type Process struct {
	Out, Err *Output // its standard output and error

	cmd   *exec.Cmd
	ended chan struct{}
	err   error // of the program, once it has ended
}

// Start starts the program at path with nothing of the test's environment but PATH; HOME
// and TMPDIR are empty folders. A program that still runs at the end of the test is killed.
func Start(t *testing.T, path string, env []string, args ...string) *Process {
	t.Helper()
	return StartWith(t, nil, path, env, args...)
}

// StartWith is Start with attributes for the kernel, such as fewer rights.
func StartWith(t *testing.T, attr *syscall.SysProcAttr, path string, env []string, args ...string) *Process {
	t.Helper()
	p := &Process{Out: newOutput(), Err: newOutput(), ended: make(chan struct{})}
	env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir()}, env...)
	// Two packages of tests may have the go command link one program at a time: the second one
	// writes the file anew.
	Succeeds(t, time.Minute, "start "+path, func() error {
		p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), path, args...) //nolint:gosec // a test chooses the program
		p.cmd.SysProcAttr, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = attr, env, p.Out, p.Err
		err := p.cmd.Start()
		if err != nil && !errors.Is(err, syscall.ETXTBSY) {
			t.Fatal(err)
		}
		return err
	})
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended already, if all went well
		<-p.ended
		if t.Failed() {
			t.Logf("%s\nstandard output:\n%sstandard error:\n%s", strings.Join(args, " "), p.Out, p.Err)
		}
	})
	return p
}

// TempDir is the folder that the program takes for temporary files.
func (p *Process) TempDir() string {
	for _, v := range p.cmd.Env {
		if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok {
			return dir
		}
	}
	return ""
}

// Await waits until a line of an output holds the text and returns the line. The test
// fails when the program ends without having written it.
func (p *Process) Await(t *testing.T, o *Output, text string) string {
	t.Helper()
	late := time.After(patience)
	for {
		// In this order, so that the last output is not missed.
		ended, changed := p.hasEnded(), o.changes()
		if line, ok := o.find(text); ok {
			return line
		}
		if ended {
			t.Fatalf("the program ended without writing %q", text)
		}
		select {
		case <-changed:
		case <-p.ended:
		case <-late:
			t.Fatalf("the program has not written %q", text)
		}
	}
}

func (p *Process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Pid is the program's process ID.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Peak is the most memory that the program has had so far, in MiB.
func (p *Process) Peak(t *testing.T) float64 {
	t.Helper()
	peak, err := Peak(p.Pid())
	if err != nil {
		t.Fatal(err)
	}
	return peak
}

// Signal sends a signal to the program.
func (p *Process) Signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the program as a power cut does. It must have been alive until now.
func (p *Process) Kill(t *testing.T) {
	t.Helper()
	p.Signal(t, os.Kill)
	if code := p.Exit(t); code != -1 {
		t.Fatalf("it ended by itself, with exit code %d", code)
	}
}

// Stays checks that the program does not end within d: an event that must not happen cannot be
// waited for.
func (p *Process) Stays(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-p.ended:
		t.Error("the program has ended")
	case <-time.After(d):
	}
}

// Exit waits for the end of the program and returns its exit code, -1 when a signal
// ended it.
func (p *Process) Exit(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Error("the program does not end")
		return 0
	}
	if p.err != nil && !errors.As(p.err, new(*exec.ExitError)) {
		t.Error(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Output is the output of a program so far.
type Output struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newOutput() *Output { return &Output{changed: make(chan struct{})} }

// Write takes output of the program.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.changed)
	o.changed = make(chan struct{})
	return o.text.Write(b)
}

// String is all of it.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// changes is closed by the next Write.
func (o *Output) changes() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.changed
}

// find returns the first complete line that holds the text.
func (o *Output) find(text string) (string, bool) {
	for line := range strings.Lines(o.String()) {
		if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
			return strings.TrimSuffix(line, "\n"), true
		}
	}
	return "", false
}
