package workflow

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Types has each exported workflow function and each activity that a run executes: one that
// it lacks is a stranger in the metrics.
func TestTypesAreAll(t *testing.T) {
	t.Parallel()
	s := sources{values: map[string]string{}}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, s.see)
	}
	want := s.workflows
	for _, name := range s.activities {
		want = append(want, s.values[name])
	}
	slices.Sort(want)
	want = slices.Compact(want)
	if got := slices.Sorted(slices.Values(Types())); !slices.Equal(got, want) {
		t.Errorf("types %q, the code has %q", got, want)
	}
}

// sources is what the code of this package names.
type sources struct {
	workflows, activities []string
	values                map[string]string // of string constants
}

func (s *sources) see(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.IsExported() && n.Type.Params.NumFields() > 0 && isSDK(n.Type.Params.List[0].Type, "Context") {
			s.workflows = append(s.workflows, n.Name.Name)
		}
	case *ast.CallExpr:
		if isSDK(n.Fun, "ExecuteActivity") {
			if name, ok := n.Args[1].(*ast.Ident); ok {
				s.activities = append(s.activities, name.Name)
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if i < len(n.Values) {
				s.constant(name.Name, n.Values[i])
			}
		}
	}
	return true
}

func (s *sources) constant(name string, value ast.Expr) {
	if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
		s.values[name], _ = strconv.Unquote(literal.Value)
	}
}

// isSDK reports that an expression is a name of the SDK's package workflow.
func isSDK(e ast.Expr, name string) bool {
	selected, ok := e.(*ast.SelectorExpr)
	if !ok || selected.Sel.Name != name {
		return false
	}
	of, ok := selected.X.(*ast.Ident)
	return ok && of.Name == "workflow"
}
