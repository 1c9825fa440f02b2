// Command dev runs the whole product on one machine, in one process. That process is command
// whole, which links Temporal's server and takes minutes to compile. So this one judges the
// command line and the ports first, prints the reason of the wait, and then is whole.
package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rekeyhq/rekey/dev/options"
	"github.com/rekeyhq/rekey/internal/usage"
)

const whole = "github.com/rekeyhq/rekey/dev/whole"

func main() {
	var o options.Options
	usage.Parse(&o, options.Program, options.About)
	if err := o.Check(); err != nil {
		usage.Exit(options.Program, err)
	}
	program, err := place()
	if err != nil {
		usage.Exit(options.Program, err)
	}
	ctx := context.Background()
	if err := build(ctx, os.Stderr, "", whole, program); err != nil {
		usage.Exit(options.Program, err)
	}
	status, err := run(ctx, program, os.Args[1:]...)
	if err != nil {
		usage.Exit(options.Program, err)
	}
	os.Exit(status)
}

// place is where the program of this working folder is kept, so that two checkouts have one each.
func place() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("a folder for the compiled program: %w", err)
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "rekey-dev", fmt.Sprintf("%x", sha256.Sum256([]byte(here)))[:16], "whole"), nil
}

// build compiles a package into a program and says how far it is.
func build(ctx context.Context, progress io.Writer, dir, pkg, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-v", "-o", program, pkg) //nolint:gosec // a constant, but in tests
	cmd.Dir = dir
	lines, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("the Go command: %w", err)
	}
	report(progress, lines)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go build %s: %w", pkg, err)
	}
	return nil
}

// report counts the packages that go build -v names. It names none that was compiled before.
func report(w io.Writer, lines io.Reader) {
	begun := time.Now()
	next, compiled := begun, 0
	for s := bufio.NewScanner(lines); s.Scan(); {
		if line := s.Text(); strings.ContainsAny(line, " \t") { // an error, or a download
			fmt.Fprintln(w, line)
			continue
		}
		compiled++
		if now := time.Now(); !now.Before(next) {
			next = now.Add(5 * time.Second)
			fmt.Fprintf(w, "compiling, with Temporal's server some 1,400 packages the first time: %d after %s\n",
				compiled, now.Sub(begun).Round(time.Second))
		}
	}
}

// run runs the program in place of this one: it has the terminal and gets the signals.
func run(ctx context.Context, program string, args ...string) (status int, err error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // what build has made, with the arguments of this program
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM) // a terminal tells both of an interrupt
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		for s := range signals {
			if s == syscall.SIGTERM {
				_ = cmd.Process.Signal(s)
			}
		}
	}()
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}
