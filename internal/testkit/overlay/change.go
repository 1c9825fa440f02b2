package overlay

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Change replaces the code of a node of the syntax tree. It outlives new formatting, other
// names of variables, and a declaration that moves to another file.
type Change struct {
	Package string // its folder, as seen from the folder of the test
	In      string // the declaration: "begin", "run.await" of a method, "MaxMails", "Request"
	// Node is a path of steps below it, such as "CaseClause 2/CallExpr(Sleep).Fun". A step is a
	// type of package go/ast, with a name where several have one. The ordinal number follows,
	// in source order, and then a field of it.
	Node string
	// With is the new code. There "$" stands for the old one and "{Node}" for another node of
	// the declaration. The receiver is "{r}", of a function the parameter behind the
	// context, and "{ctx}" the parameter of type Context.
	With string
}

// Apply changes one of the files of a package and returns its path.
func (c Change) Apply(files map[string]string) (string, error) {
	for _, path := range slices.Sorted(maps.Keys(files)) {
		s := source{text: files[path], set: token.NewFileSet()}
		file, err := parser.ParseFile(s.set, path, s.text, parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		decl := declaration(file, c.In)
		if decl == nil {
			continue
		}
		node := find(decl, c.Node)
		if node == nil {
			return "", fmt.Errorf("%s in %s has no %s", c.In, c.Package, c.Node)
		}
		with, err := s.fill(c.With, decl, node)
		if err != nil {
			return "", fmt.Errorf("%s in %s: %w", c.In, c.Package, err)
		}
		text := s.text[:s.offset(node.Pos())] + with + s.text[s.offset(node.End()):]
		formatted, err := format.Source([]byte(text))
		if err != nil {
			return "", fmt.Errorf("%s in %s, %s: %w", c.In, c.Package, c.Node, err)
		}
		files[path] = string(formatted)
		return path, nil
	}
	return "", fmt.Errorf("%s has no %s", c.Package, c.In)
}

// declaration finds a function, a method, a type, a constant or a variable.
func declaration(file *ast.File, name string) (found ast.Node) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if full(d) == name {
				return d
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if nameOf(s) == name {
					return s
				}
			}
		}
	}
	return nil
}

func full(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	return nameOf(d.Recv.List[0].Type) + "." + d.Name.Name
}

var step = regexp.MustCompile(`^(\w+)(?:\(([^)]+)\))?(?: (\d+))?((?:\.\w+)*)$`)

// find follows a path from a node, and returns nil when it leads nowhere.
func find(from ast.Node, path string) ast.Node {
	for part := range strings.SplitSeq(path, "/") {
		m := step.FindStringSubmatch(part)
		if m == nil {
			return nil
		}
		nth := 1
		if m[3] != "" {
			nth, _ = strconv.Atoi(m[3])
		}
		if from = field(below(from, m[1], m[2], nth), m[4]); from == nil {
			return nil
		}
	}
	return from
}

// below is the nth node of a kind and, unless it is empty, a name, in source order.
func below(from ast.Node, kind, name string, nth int) (found ast.Node) {
	ast.Inspect(from, func(n ast.Node) bool {
		if found != nil || n == nil {
			return false
		}
		if n != from && reflect.TypeOf(n).Elem().Name() == kind && (name == "" || nameOf(n) == name) {
			if nth--; nth == 0 {
				found = n
			}
		}
		return true
	})
	return found
}

func field(n ast.Node, path string) ast.Node {
	for name := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' }) {
		if n == nil {
			return nil
		}
		f := reflect.ValueOf(n).Elem().FieldByName(name)
		if !f.IsValid() || f.IsZero() {
			return nil
		}
		n, _ = f.Interface().(ast.Node)
	}
	return n
}

// nameOf is the name of a node: a name, an operator, the kind of a literal.
func nameOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.Ident:
		return n.Name
	case *ast.StarExpr:
		return nameOf(n.X)
	case *ast.SelectorExpr:
		return n.Sel.Name
	case *ast.CallExpr:
		return nameOf(n.Fun)
	case *ast.ExprStmt:
		return nameOf(n.X)
	case *ast.AssignStmt:
		return nameOf(n.Lhs[0])
	case *ast.KeyValueExpr:
		return nameOf(n.Key)
	case *ast.BinaryExpr:
		return n.Op.String()
	case *ast.BasicLit:
		return n.Kind.String()
	}
	return declared(n)
}

func declared(n ast.Node) string {
	var names []*ast.Ident
	switch n := n.(type) {
	case *ast.TypeSpec:
		return n.Name.Name
	case *ast.ValueSpec:
		names = n.Names
	case *ast.Field:
		names = n.Names
	}
	if len(names) == 0 {
		return ""
	}
	return names[0].Name
}

// source is a file while it is changed.
type source struct {
	text string
	set  *token.FileSet
}

func (s source) offset(p token.Pos) int { return s.set.Position(p).Offset }

func (s source) of(n ast.Node) string { return s.text[s.offset(n.Pos()):s.offset(n.End())] }

var blank = regexp.MustCompile(`\$|\{(?:r|ctx|[A-Z]\w+[^{}]*)\}`)

// fill fills the blanks of new code.
func (s source) fill(with string, decl, node ast.Node) (_ string, err error) {
	filled := blank.ReplaceAllStringFunc(with, func(b string) string {
		switch b {
		case "$":
			return s.of(node)
		case "{r}":
			f := decl.(*ast.FuncDecl) //nolint:forcetypeassert // only a function has one
			if f.Recv == nil {
				return nameOf(f.Type.Params.List[1])
			}
			return nameOf(f.Recv.List[0])
		case "{ctx}":
			for _, p := range decl.(*ast.FuncDecl).Type.Params.List { //nolint:forcetypeassert // only a function has one
				if nameOf(p.Type) == "Context" {
					return nameOf(p)
				}
			}
		}
		other := find(decl, strings.Trim(b, "{}"))
		if other == nil {
			err = fmt.Errorf("no %s", b)
			return b
		}
		return s.of(other)
	})
	return filled, err
}
