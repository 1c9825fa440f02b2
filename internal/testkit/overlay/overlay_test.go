package overlay_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		overlay.Change{Package: folder, In: "main", Node: "ExprStmt 3/BasicLit", With: `"three"`},
		overlay.Change{Package: folder, In: "main", Node: "ExprStmt", With: "{ExprStmt 3}"}, // sees the first change
	)
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "go", "run", "-overlay", path, ".")
	run.Dir, run.Env = folder, append(os.Environ(), "GOWORK=off")
	out, err := run.CombinedOutput()
	if err != nil || string(out) != "three\ntwo\nthree\n" {
		t.Errorf("%s%v", out, err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != source {
		t.Errorf("the source is now %q, %v", now, err)
	}
}

// A void change is an error that names its place.
func TestVoidChangeIsAnError(t *testing.T) {
	t.Parallel()
	folder, _ := program(t)
	for want, c := range map[string]overlay.Change{
		"has no other": {In: "other", Node: "ExprStmt"},
		"main in " + folder + " has no ExprStmt 4": {In: "main", Node: "ExprStmt 4"},
		"has no ExprStmt.Y":                        {In: "main", Node: "ExprStmt.Y"},
		"has no ":                                  {In: "main", Node: ""},
		"no {IfStmt}":                              {In: "main", Node: "ExprStmt", With: "{IfStmt}"},
		"main in " + folder + ", ExprStmt: ":       {In: "main", Node: "ExprStmt", With: "("},
	} {
		c.Package = folder
		if _, err := overlay.Write(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	if _, err := overlay.Write(t.TempDir(), overlay.Change{Package: folder + "x", In: "main", Node: "ExprStmt"}); err == nil {
		t.Error("a folder that does not exist is no error")
	}
}

// A change outlives another name of a receiver, of a parameter and of a variable, new
// formatting and new comments. It also outlives the move of a declaration to another file.
func TestChangeOutlivesRefactoring(t *testing.T) {
	t.Parallel()
	c := overlay.Change{In: "run.wait", Node: "IfStmt/ExprStmt(stop)", With: "{r}.pause({ctx}, {IfStmt.Cond})\n$"}
	for name, files := range map[string]map[string]string{
		"before": {"a.go": `package p

func (r *run) wait(ctx workflow.Context, n int) {
	if n > 1 {
		r.stop(n)
	}
}
`},
		"after": {"a.go": "package p\n", "b.go": `package p

const first = 1

// wait waits.
func (waiting run) wait(number int, c workflow.Context) {
	if number > first { waiting.stop(number) /* enough */ }
}
`},
	} {
		path, err := c.Apply(files)
		if err != nil {
			t.Fatal(name, err)
		}
		want := map[string]string{
			"before": "\tif n > 1 {\n\t\tr.pause(ctx, n > 1)\n\t\tr.stop(n)\n\t}",
			"after":  "\tif number > first {\n\t\twaiting.pause(c, number > first)\n\t\twaiting.stop(number) /* enough */\n\t}",
		}[name]
		if !strings.Contains(files[path], want) {
			t.Error(name, cmp.Diff(want, files[path]))
		}
	}
}
