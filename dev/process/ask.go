package process

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// Ask runs a program in a folder. It reads a request in JSON and writes its answer in JSON. env
// is added to the environment of the test.
func Ask(t *testing.T, dir string, env, program []string, request, answer any) {
	t.Helper()
	in, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program[0], program[1:]...) //nolint:gosec // a test chooses the program
	var says bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stderr, cmd.Env = dir, bytes.NewReader(in), &says, append(os.Environ(), env...)
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, answer)
	}
	if err != nil {
		t.Fatalf("%v: %v: %s%s", program, err, out, says.String())
	}
}

// NPM copies a folder and installs the libraries that its package-lock.json names. It returns the
// copy, which lasts as long as the test.
func NPM(t *testing.T, from string) (dir string) {
	t.Helper()
	npm, dir := suite.Program(t, "npm"), t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund") //nolint:gosec // found by its name
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v: %s", err, out)
	}
	return dir
}
