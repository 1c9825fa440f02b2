package overlay_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/overlay"
)

const source = `package main

func main() { println("one"); println("two"); println("two") }
`

// program is a module of its own with one file.
func program(t *testing.T) (folder, file string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range map[string]string{"main.go": source, "go.mod": "module example.com/program\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, filepath.Join(folder, "main.go")
}

func TestProgramIsBuiltChanged(t *testing.T) {
	t.Parallel()
	folder, file := program(t)
	path, err := overlay.Write(
		t.TempDir(),
		overlay.Change{File: file, Old: `println("one")`, New: `println("1")`},
		overlay.Change{File: file, Old: `println("1");`, New: `println("uno");`}, // sees what the first did
	)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "go", "run", "-overlay", path, ".")
	run.Dir, run.Env = folder, append(os.Environ(), "GOWORK=off")
	out, err := run.CombinedOutput()
	if err != nil || string(out) != "uno\ntwo\ntwo\n" {
		t.Errorf("%s%v", out, err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != source {
		t.Errorf("the source is now %q, %v", now, err)
	}
}

func TestVoidChangeIsAnError(t *testing.T) {
	t.Parallel()
	_, file := program(t)
	for times, old := range map[string]string{"0 times": "three", "2 times": "two"} {
		_, err := overlay.Write(t.TempDir(), overlay.Change{File: file, Old: old, New: "x"})
		if err == nil || !strings.Contains(err.Error(), times) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", old, err)
		}
	}
	if _, err := overlay.Write(t.TempDir(), overlay.Change{File: file + "x", Old: "a", New: "b"}); err == nil {
		t.Error("a file that does not exist is no error")
	}
}
