package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
)

// asProgram makes the test binary the program itself. It finds no Go command, so that a test fails
// that gets as far as to compile.
const asProgram = "REKEY_DEV_TEST_AS_PROGRAM=1"

func TestMain(m *testing.M) {
	if os.Getenv("REKEY_DEV_TEST_AS_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// launch starts the program on free ports; an argument may set one again.
func launch(t *testing.T, env []string, args ...string) *process.Process {
	t.Helper()
	const free = "127.0.0.1:0"
	args = append([]string{"--listen", free, "--temporal", free, "--ui", free, "--inbox", free, "--smtp", free}, args...)
	return process.Start(t, os.Args[0], append(env, asProgram, "PATH="), args...)
}

// A wrong flag or a busy port costs no minutes of compiling.
func TestLinksNoServer(t *testing.T) {
	t.Parallel()
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build information")
	}
	for _, dep := range info.Deps {
		if strings.HasPrefix(dep.Path, "go.temporal.io/") {
			t.Errorf("links %s", dep.Path)
		}
	}
}

func TestBuildsAndRuns(t *testing.T) {
	t.Setenv("GOWORK", "off") // the go command that runs this test has set it
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/small\n")
	write("main.go", "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(len(os.Args)) }\n")
	var progress bytes.Buffer
	program := filepath.Join(dir, "cache", "small")
	if err := build(t.Context(), &progress, dir, ".", program); err != nil {
		t.Fatalf("%v: %s", err, progress.String())
	}
	if !strings.Contains(progress.String(), "compiling") {
		t.Errorf("progress: %q", progress.String())
	}
	if status, err := run(t.Context(), program, "a", "b"); status != 3 || err != nil {
		t.Errorf("exit status %d, %v; want 3", status, err)
	}
	progress.Reset()
	write("main.go", "package main\n\nfunc main() { undefined() }\n")
	if err := build(t.Context(), &progress, dir, ".", program); err == nil || !strings.Contains(progress.String(), "undefined: undefined") {
		t.Errorf("%v: %q", err, progress.String())
	}
}
