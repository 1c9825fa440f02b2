package repo_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
)

const securityPage = "docs/security.md"

// Every requirement has a test, and the page names them all. It cannot judge whether a test is
// any good, only whether one is gone.
func TestSecurityRequirementsHaveTests(t *testing.T) {
	inRoot(t)
	t.Parallel()
	tests := securityTests(t)
	page := read(t, securityPage)
	row := regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \| (.*) \|(.*)\|$`)
	var numbers []int
	want := row.ReplaceAllStringFunc(page, func(line string) string {
		m := row.FindStringSubmatch(line)
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, n)
		if len(tests[n]) == 0 {
			t.Errorf("no test says `// security %d:`", n)
		}
		return fmt.Sprintf("| %d | %s | %s | %s |", n, m[2], m[3], strings.Join(tests[n], ", "))
	})
	for _, n := range slices.Sorted(maps.Keys(tests)) {
		if !slices.Contains(numbers, n) {
			t.Errorf("%v: there is no requirement %d", tests[n], n)
		}
	}
	if len(numbers) < 44 {
		t.Errorf("%d requirements", len(numbers))
	}
	if *golden.Update {
		if err := os.WriteFile(securityPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, page); diff != "" {
		t.Errorf("run go test ./internal/repo -run TestSecurity -update (-want +got):\n%s", diff)
	}
}

var numbered = regexp.MustCompile(`security (\d+(?:(?:, | and )\d+)*)\b`)

// securityTests are the names of the tests of each number, in the order of the folders.
func securityTests(t *testing.T) map[int][]string {
	t.Helper()
	tests := map[int][]string{}
	for _, file := range parsed(t) {
		suite := strings.HasPrefix(file.path, filepath.Join("account", "storetest"))
		if suite || strings.HasSuffix(file.path, "_test.go") {
			addSecurityTests(t, tests, file)
		}
	}
	return tests
}

// addSecurityTests finds the comments of a file and the functions that they are in or
// above.
func addSecurityTests(t *testing.T, tests map[int][]string, file source) {
	t.Helper()
	folder := filepath.ToSlash(filepath.Dir(file.path))
	for _, comment := range file.Comments {
		for _, m := range numbered.FindAllStringSubmatch(comment.Text(), -1) {
			name := folder
			if f := functionOf(file.File, comment); f != "" {
				name = strings.TrimPrefix(folder+"."+f, "..")
			}
			for n := range strings.FieldsFuncSeq(m[1], func(r rune) bool { return r < '0' || '9' < r }) {
				n, err := strconv.Atoi(n)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Contains(tests[n], name) {
					tests[n] = append(tests[n], name)
				}
			}
		}
	}
}

// functionOf is the function that a comment is in or stands above, "" for one that is
// about the whole file.
func functionOf(file *ast.File, comment *ast.CommentGroup) string {
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && (f.Doc == comment || f.Pos() <= comment.Pos() && comment.End() <= f.End()) {
			return f.Name.Name
		}
	}
	return ""
}

// Each type that crosses Temporal has a row with its checks.
func TestWhatCrossesTemporalIsListed(t *testing.T) {
	inRoot(t)
	t.Parallel()
	types := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(read(t, "workflow/testdata/contract.json")), &types); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(read(t, securityPage), "## Values that cross Temporal")
	for name := range types {
		if !strings.Contains(table, "\n| `"+name+"`") {
			t.Errorf("docs/security.md says of no %s who checks it", name)
		}
	}
}
