package flow

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

// Activities has each activity that a run executes. The metrics have no name for a missing one.
func TestActivitiesAreAll(t *testing.T) {
	t.Parallel()
	s := sources{values: map[string]string{}}
	for _, file := range parsed(t) {
		ast.Inspect(file, s.see)
	}
	var want []string
	for _, name := range s.activities {
		want = append(want, s.values[name])
	}
	slices.Sort(want)
	want = slices.Compact(want)
	if got := slices.Sorted(slices.Values(Activities())); !slices.Equal(got, want) {
		t.Errorf("activities %q, the code has %q", got, want)
	}
}

// parsed are the files of this package, without its tests.
func parsed(t *testing.T) (files []*ast.File) {
	t.Helper()
	all, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, tree)
	}
	return files
}

// Temporal evaluates a condition of Await any number of times. So a condition, and each function
// of this package that it calls, receives nothing and assigns no field.
func TestConditionsHaveNoEffects(t *testing.T) {
	t.Parallel()
	bodies := map[string]ast.Node{}
	var conditions []ast.Node
	for _, file := range parsed(t) {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				bodies[f.Name.Name] = f.Body
				conditions = append(conditions, conditionsOf(f)...)
			}
		}
	}
	if len(conditions) < 6 {
		t.Errorf("%d conditions are found, the code has 6 or more", len(conditions))
	}
	for i := 0; i < len(conditions); i++ { // it grows
		ast.Inspect(conditions[i], func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if field, ok := n.Lhs[0].(*ast.SelectorExpr); ok {
					t.Errorf("a condition of Await assigns %s", field.Sel.Name)
				}
			case *ast.IncDecStmt:
				t.Error("a condition of Await counts")
			case *ast.SelectorExpr:
				if strings.HasPrefix(n.Sel.Name, "Receive") {
					t.Errorf("a condition of Await takes from a channel: %s", n.Sel.Name)
				}
			}
			if body := bodies[calledIn(n, conditions[i])]; body != nil && !slices.Contains(conditions, body) {
				conditions = append(conditions, body)
			}
			return true
		})
	}
}

// calledIn is the method that a node of a condition calls. A condition may be a method itself.
func calledIn(n, condition ast.Node) string {
	if call, ok := n.(*ast.CallExpr); ok {
		n = call.Fun
	} else if n != condition {
		return ""
	}
	if method, ok := n.(*ast.SelectorExpr); ok {
		return method.Sel.Name
	}
	return ""
}

// conditionsOf are the conditions that a function waits for. A condition is in place, a variable
// with a function, or a method.
func conditionsOf(f *ast.FuncDecl) (conditions []ast.Node) {
	held := map[string]ast.Node{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if name, ok := n.Lhs[0].(*ast.Ident); ok && len(n.Rhs) == 1 {
				held[name.Name] = n.Rhs[0]
			}
		case *ast.CallExpr:
			if isSDK(n.Fun, "Await") {
				condition := ast.Node(n.Args[1])
				if name, ok := condition.(*ast.Ident); ok {
					condition = held[name.Name]
				}
				conditions = append(conditions, condition)
			}
		}
		return true
	})
	return conditions
}

// sources are the names in the code of this package.
type sources struct {
	activities []string
	values     map[string]string // of string constants
}

func (s *sources) see(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		if isSDK(n.Fun, "ExecuteActivity") {
			if name, ok := n.Args[1].(*ast.Ident); ok && name.Name != "activity" { // the parameter of Decide
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
