package cli

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// setting is a row of the table in docs/settings.md: a flag of one command.
type setting struct{ Command, Flag, Env, Default string }

func bySetting(a, b setting) int {
	return cmp.Or(cmp.Compare(a.Command, b.Command), cmp.Compare(a.Flag, b.Flag))
}

var row = regexp.MustCompile("(?m)^\\| `(--[^`]+)` \\| `([A-Z_]+)` \\| `?([^`|]+?)`? \\| ([a-z, -]+) \\| [^|]+ \\|$")

func TestEverySettingIsListed(t *testing.T) {
	t.Parallel()
	actual, all := offered(t)
	page, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	var written []setting
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		who := strings.Split(m[4], ", ")
		if m[4] == "all" {
			who = all
		}
		for _, c := range who {
			written = append(written, setting{c, m[1], m[2], m[3]})
		}
	}
	actual = append(actual, declared(t)...)
	slices.SortFunc(written, bySetting)
	slices.SortFunc(actual, bySetting)
	if diff := gocmp.Diff(actual, written); diff != "" {
		t.Errorf("docs/settings.md (-code +table):\n%s", diff)
	}
}

// offered are the settings of all commands, such as "starter" and "keys new".
func offered(t *testing.T) (all []setting, commands []string) {
	t.Helper()
	p, err := newParser(&cli{}, One(Embedded{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range p.Model.Leaves(true) {
		name := strings.TrimSuffix(command.Path(), " run")
		commands = append(commands, name)
		for _, f := range slices.Concat(command.AllFlags(true)...) {
			if len(f.Envs) == 0 { // --help
				continue
			}
			s := setting{name, "--" + f.Name, f.Envs[0], cmp.Or(f.Default, "none")}
			switch {
			case f.Required:
				s.Default = "required"
			case f.Tag.Negatable != "":
				s.Flag = "--[no-]" + f.Name
			case f.IsBool():
				s.Default = cmp.Or(f.Default, "false")
			}
			all = append(all, s)
		}
	}
	return all, commands
}

// declared are the settings of the development program, by the tags in its source: this module does
// not link it.
func declared(t *testing.T) []setting {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../dev/options/options.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []setting
	ast.Inspect(file, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok || field.Tag == nil {
			return true
		}
		text, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			t.Fatal(err)
		}
		tag := reflect.StructTag(text)
		if tag.Get("env") == "" {
			return true
		}
		name := cmp.Or(tag.Get("name"), kebab(field.Names[0].Name))
		if _, ok := tag.Lookup("negatable"); ok {
			name = "[no-]" + name
		}
		found = append(found, setting{"dev", "--" + name, tag.Get("env"), cmp.Or(tag.Get("default"), "none")})
		return true
	})
	return found
}

var inner = regexp.MustCompile(`([a-z])([A-Z])`)

// kebab is how kong makes a flag of a field's name.
func kebab(name string) string { return strings.ToLower(inner.ReplaceAllString(name, "$1-$2")) }
