// Package repo_test checks the repository as a whole: which package may import which, and
// whether the documents agree with the code.
package repo_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rekeyhq/rekey/statemachine"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// documents are all Markdown files of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == "testdata" {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// blocks are the code blocks of a document in one language.
func blocks(document, language string) []string {
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$").FindAllStringSubmatch(document, -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	return found
}

// Readers of the README have a minute: it is short, and shows how the workflow is written.
func TestReadmeIsShort(t *testing.T) {
	inRoot(t)
	t.Parallel()
	readme := read(t, "README.md")
	if lines := strings.Count(readme, "\n"); lines > 180 {
		t.Errorf("README.md has %d lines, 180 are allowed: move what is not for a first reading to docs", lines)
	}
	code := blocks(readme, "go")
	if len(code) != 1 || strings.Count(code[0], "\n") > 10 {
		t.Fatalf("README.md has %d passages of Go, want one: the steps of the workflow, in ten lines", len(code))
	}
	if steps := "\t" + strings.ReplaceAll(strings.TrimSpace(code[0]), "\n", "\n\t"); !strings.Contains(read(t, "workflow/resetpassword.go"), steps) {
		t.Errorf("README.md has other steps than workflow/resetpassword.go:\n%s", steps)
	}
	for _, command := range []string{"go run ./dev", "go test ./... ./one/... ./dev/... ./examples/verify-email"} {
		if !slices.Contains(blocks(readme, "sh"), command+"\n") {
			t.Errorf("README.md lacks the command %s", command)
		}
	}
}

func TestReadmeDrawsTheMachine(t *testing.T) {
	inRoot(t)
	t.Parallel()
	if !slices.Contains(blocks(read(t, "README.md"), "mermaid"), statemachine.Reset.Diagram()) {
		t.Errorf("README.md lacks the picture of the machine, which is now:\n%s", statemachine.Reset.Diagram())
	}
}

// Go code in a document is a passage of an example or of the workflow, which the compiler sees.
func TestGoInDocumentsCompiles(t *testing.T) {
	inRoot(t)
	t.Parallel()
	examples := dedent(read(t, "starter/example_test.go") + read(t, "web/example_test.go") + read(t, "operator/example_test.go") + read(t, "worker/example_test.go") + read(t, "replay/example_test.go") + read(t, "workflow/resetpassword.go") +
		read(t, "workflow/invite.go") + read(t, "examples/verify-email/verifyemail.go") + read(t, "examples/verify-email/verifyemail_test.go") +
		read(t, "examples/verify-email/example_test.go") + read(t, "dev/flows/verifyemail_test.go"))
	for _, path := range documents(t) {
		for _, code := range blocks(read(t, path), "go") {
			if !strings.Contains(examples, dedent(code)) {
				t.Errorf("%s has Go code that is in no example:\n%s", path, code)
			}
		}
	}
}

func dedent(code string) string {
	return regexp.MustCompile(`(?m)^[\t ]+`).ReplaceAllString(code, "")
}

var target = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	inRoot(t)
	t.Parallel()
	for _, path := range documents(t) {
		for _, m := range target.FindAllStringSubmatch(read(t, path), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if m[1] == "" {
				m[1] = filepath.Base(path)
			}
			to := filepath.Join(filepath.Dir(path), m[1])
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %v", path, err)
			} else if m[2] != "" && !slices.Contains(anchors(read(t, to)), m[2]) {
				t.Errorf("%s: %s has no heading %s", path, to, m[2])
			}
		}
	}
}

// anchors are the links to the headings of a document, as GitHub makes them.
func anchors(document string) (found []string) {
	for _, m := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllStringSubmatch(document, -1) {
		name := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found = append(found, "#"+strings.ReplaceAll(name, " ", "-"))
	}
	return found
}

// Every document under docs can be reached from another one.
func TestDocumentsAreLinked(t *testing.T) {
	inRoot(t)
	t.Parallel()
	linked := map[string]bool{"README.md": true}
	for _, path := range documents(t) {
		for _, m := range target.FindAllStringSubmatch(read(t, path), -1) {
			linked[filepath.Join(filepath.Dir(path), m[1])] = true
		}
	}
	for _, path := range documents(t) {
		if strings.HasPrefix(path, "docs/") && !linked[path] {
			t.Errorf("no document links %s", path)
		}
	}
}

// openAPI is the tests' part of web/openapi.yaml, which the tests of package web hold equal to
// its routes.
type openAPI struct {
	Paths      map[string]map[string]any
	Components struct {
		Schemas struct {
			Code struct{ Enum []string } `yaml:"Code"`
		}
	}
}

// The page on HTTP names every code, and no route that is not there.
func TestPageSpeaksHTTP(t *testing.T) {
	inRoot(t)
	t.Parallel()
	var api openAPI
	if err := yaml.Unmarshal([]byte(read(t, "web/openapi.yaml")), &api); err != nil {
		t.Fatal(err)
	}
	if len(api.Components.Schemas.Code.Enum) == 0 {
		t.Fatal("no codes found in openapi.yaml")
	}
	page := read(t, "docs/http.md")
	for _, code := range api.Components.Schemas.Code.Enum {
		if !strings.Contains(page, "`"+code+"`") {
			t.Errorf("docs/http.md lacks the code %s", code)
		}
	}
	for _, path := range regexp.MustCompile("(?:POST |GET |, |or )`?(/[^` ]+)`").FindAllStringSubmatch(page, -1) {
		if _, ok := api.Paths[path[1]]; !ok && path[1] != "/account/" {
			t.Errorf("docs/http.md names the route %s, which is not in openapi.yaml", path[1])
		}
	}
}

// The map has every package that an importer may use.
func TestMapHasEveryPackage(t *testing.T) {
	inRoot(t)
	t.Parallel()
	watch(t)
	page := read(t, "docs/packages.md")
	for _, pkg := range packages(t) {
		if !strings.Contains(page, "](../"+pkg+")") && !strings.Contains(page, "`"+pkg+"`") {
			t.Errorf("docs/packages.md lacks the package %s", pkg)
		}
	}
}
