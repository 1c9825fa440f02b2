package repo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
)

// security 24 and 50: code that compares secrets calls functions of constant time. The difference is
// too small to be measured by a test.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	inRoot(t)
	t.Parallel()
	for file, function := range map[string]string{
		"internal/bearer/bearer.go": "Which",
		"account/account.go":        "SameCredential",
		"keys/codec.go":             "open",
		"password/hash.go":          "Verify",
		"password/breached/ask.go":  "scan",
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		constant := false
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == function {
				constant = constant || comparesInConstantTime(f)
			}
		}
		if !constant {
			t.Errorf("%s: %s compares no secret in constant time", file, function)
		}
	}
}

func comparesInConstantTime(f *ast.FuncDecl) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		from, ok := s.X.(*ast.Ident)
		found = found || ok && (from.Name == "subtle" && s.Sel.Name == "ConstantTimeCompare" || from.Name == "hmac" && s.Sel.Name == "Equal")
		return true
	})
	return found
}
