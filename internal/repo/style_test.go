package repo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// pronoun finds a sentence that has no noun as its subject. A question may begin so.
var pronoun = regexp.MustCompile(`\b(?:What|Whoever|Who|Those)\b[^.?!]*(?:[.!]|$)`)

func TestSentencesNameTheirSubject(t *testing.T) {
	inRoot(t)
	t.Parallel()
	code := regexp.MustCompile("(?ms)^ *```.*?^ *```|`[^`\n]*`")
	for _, path := range documents(t) {
		for _, s := range pronoun.FindAllString(code.ReplaceAllString(read(t, path), ""), -1) {
			t.Errorf("%s: %q", path, s)
		}
	}
	for _, file := range parsed(t) {
		for _, comment := range file.Comments {
			for _, s := range pronoun.FindAllString(comment.Text(), -1) {
				t.Errorf("%s: %q", file.path, s)
			}
		}
	}
}

func TestLinesOfDocumentsAreShort(t *testing.T) {
	inRoot(t)
	t.Parallel()
	wide := regexp.MustCompile("(?ms)^ *```.*?^ *```|^ *\\|[^\n]*|^[^ \n]*\\]\\([^ \n]*\\)$")
	for _, path := range documents(t) {
		for line := range strings.SplitSeq(wide.ReplaceAllString(read(t, path), ""), "\n") {
			if utf8.RuneCountInString(line) > 120 {
				t.Errorf("%s: %d columns: %s", path, utf8.RuneCountInString(line), line)
			}
		}
	}
}

func TestFunctionsAreShort(t *testing.T) {
	inRoot(t)
	t.Parallel()
	for _, file := range parsed(t) {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || strings.HasSuffix(file.path, "_test.go") {
				continue
			}
			if lines := file.set.Position(f.End()).Line - file.set.Position(f.Pos()).Line + 1; lines > 45 {
				t.Errorf("%s: %s has %d lines", file.path, f.Name.Name, lines)
			}
		}
	}
}

type source struct {
	*ast.File
	path string
	set  *token.FileSet
}

// copied are files that are upstream's, unchanged.
var copied = regexp.MustCompile(`^internal/argon2/(argon2|bla\w+)\.go$`)

// sources are all Go files but copied ones, read once for all tests.
var sources = sync.OnceValues(func() (files []source, err error) {
	err = filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || copied.MatchString(path) {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		files = append(files, source{file, path, set})
		return err
	})
	return files, err
})

func parsed(t *testing.T) []source {
	t.Helper()
	files, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	return files
}
