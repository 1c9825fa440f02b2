package repo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/rekeyhq/rekey/internal/testkit/overlay"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// exceptions are the calls that workflowcheck.config.yaml allows the workflow, and the tool's
// output about each without it. A new one is a decision, to be made here too.
var exceptions = map[string]string{
	"github.com/looplab/fsm.NewFSM": "github.com/looplab/fsm.NewFSM is non-deterministic, reason: iterates over map",
}

const workflowcheckConfig = "workflowcheck.config.yaml"

func TestWorkflowcheckExceptions(t *testing.T) {
	inRoot(t)
	t.Parallel()
	var config struct{ Decls map[string]bool }
	if err := yaml.Unmarshal([]byte(read(t, workflowcheckConfig)), &config); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for name := range exceptions {
		want[name] = false // not non-deterministic
	}
	if diff := gocmp.Diff(want, config.Decls); diff != "" {
		t.Errorf("%s (-want +got):\n%s", workflowcheckConfig, diff)
	}
}

// Each exception is needed: without it the check fails.
func TestWorkflowcheckNeedsItsExceptions(t *testing.T) {
	inRoot(t)
	t.Parallel()
	tool, dir := workflowcheck(t), sourceCopy(t)
	write(t, filepath.Join(dir, workflowcheckConfig), "decls: {}\n")
	got := check(t, tool, dir, "./flow")
	for name, says := range exceptions {
		if !strings.Contains(got, says) {
			t.Errorf("nothing is said about %s:\n%s", name, got)
		}
	}
}

// The check finds the clock of the machine in the workflow, with the exceptions of its
// configuration. It finds none in rekey's.
func TestWorkflowcheckFindsAClock(t *testing.T) {
	inRoot(t)
	t.Parallel()
	tool, dir := workflowcheck(t), sourceCopy(t)
	copyGo(t, filepath.Join(dir, "flow"), filepath.Join(dir, "planted"))
	change(t, overlay.Change{Package: filepath.Join(dir, "planted"), In: "Run.linkMailed", Node: "CallExpr(Now)", With: "time.Now()"})
	got := check(t, tool, dir, "./flow", "./workflow", "./planted")
	if !strings.Contains(got, "planted.Run).linkMailed is non-deterministic, reason: calls non-deterministic function time.Now") {
		t.Errorf("the clock is not found:\n%s", got)
	}
	if strings.Contains(got, "rekey/workflow.") || strings.Contains(got, "rekey/flow.") {
		t.Errorf("something is found where nothing was planted:\n%s", got)
	}
}

// workflowcheck finds the tool, of the version that CI installs.
func workflowcheck(t *testing.T) string {
	t.Helper()
	version := regexp.MustCompile(`(?m)^workflowcheck=(v\S+)`).FindStringSubmatch(read(t, ".ci/run"))
	if version == nil {
		t.Fatal(".ci/run names no version of workflowcheck")
	}
	path := installed(t, "workflowcheck")
	info, err := exec.CommandContext(t.Context(), "go", "version", "-m", path).Output()
	if err == nil && regexp.MustCompile(`(?m)^\tmod\t\S+/workflowcheck\t`+regexp.QuoteMeta(version[1])+`\t`).Match(info) {
		return path
	}
	suite.Missing(t, "go.temporal.io/sdk/contrib/tools/workflowcheck@"+version[1])
	return ""
}

// installed is where `go install` puts a tool, or else where PATH has it.
func installed(t *testing.T, tool string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Target}}", "./cmd/rekey").Output()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), tool)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path, err = exec.LookPath(tool)
	if err != nil {
		return tool
	}
	return path
}

// sourceCopy is a copy of the module with the files that the tool reads of it.
func sourceCopy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"flow", "workflow", "statemachine"} {
		copyGo(t, folder, filepath.Join(dir, folder))
	}
	for _, file := range []string{"go.mod", "go.sum", workflowcheckConfig} {
		write(t, filepath.Join(dir, file), read(t, file))
	}
	return dir
}

// copyGo copies the Go files of a folder.
func copyGo(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Mkdir(to, 0o750); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			write(t, filepath.Join(to, filepath.Base(file)), read(t, file))
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// change changes a package where it is.
func change(t *testing.T, c overlay.Change) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(c.Package, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, path := range paths {
		files[path] = read(t, path)
	}
	path, err := c.Apply(files)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, files[path])
}

// check is the output of the tool about packages that it refuses.
func check(t *testing.T, tool, dir string, packages ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool, append([]string{"-test=false", "-config", workflowcheckConfig}, packages...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0") // C takes time
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 3 { // its code for findings
		t.Errorf("exit code %d, want 3: %v\n%s", cmd.ProcessState.ExitCode(), err, out)
	}
	return string(out)
}
