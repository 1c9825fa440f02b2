// Package hashes holds new hashes to the libraries of the applications that will read them.
package hashes

import (
	"os/exec"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/password"
)

// The passwords have characters that a sign-in may change: quotes, a backslash, and some beyond ASCII.
const (
	before = `six "grey" herons at dawn`
	after  = `sieben \graue\ Reiher's "é" 鷺`
	wrong  = after + "!"
)

// request asks a judge in testdata to make hashes, or to check some.
type request struct {
	Do       string            `json:"do"`
	Password string            `json:"password,omitempty"`
	Right    string            `json:"right,omitempty"`
	Wrong    string            `json:"wrong,omitempty"`
	Hashes   map[string]string `json:"hashes,omitempty"`
}

// judge runs a judge, which answers in JSON.
type judge struct {
	dir  string
	args []string
}

func (j judge) ask(t *testing.T, asked request, answer any) {
	t.Helper()
	process.Ask(t, j.dir, nil, j.args, asked, answer)
}

// holds makes a hash like each of the library's, which the library takes for the new password only.
func (j judge) holds(t *testing.T, want int) {
	t.Helper()
	var made map[string]string
	j.ask(t, request{Do: "make", Password: before}, &made)
	if len(made) != want {
		t.Errorf("%d forms, want %d: %v", len(made), want, made)
	}
	next := map[string]string{}
	for name, stored := range made {
		for typed, right := range map[string]bool{before: true, after: false} {
			if got, err := password.Verify(stored, typed); got != right || err != nil {
				t.Errorf("%s: %s: Verify of %q: %v, %v", name, stored, typed, got, err)
			}
		}
		like, err := password.Like(stored)
		if err != nil {
			t.Errorf("%s: %s: %v", name, stored, err)
			continue
		}
		next[name] = like.Hash(after, []byte("0123456789abcdef"))
	}
	var checked map[string][2]bool
	j.ask(t, request{Do: "check", Right: after, Wrong: wrong, Hashes: next}, &checked)
	for name, hash := range next {
		if got, ok := checked[name]; !ok || got != [2]bool{true, false} {
			t.Errorf("%s: %s: right and wrong are %v", name, hash, got)
		}
	}
}

func TestPython(t *testing.T) {
	t.Parallel()
	for _, python := range []string{"/usr/bin/python3", "python3"} { // Debian's has its packages
		if exec.Command(python, "-c", "import argon2, bcrypt, django, passlib, werkzeug").Run() == nil {
			judge{"testdata", []string{python, "judge.py"}}.holds(t, 13)
			return
		}
	}
	suite.Missing(t, "one of the packages argon2, bcrypt, django, passlib and werkzeug for python3")
}

func TestPHP(t *testing.T) {
	t.Parallel()
	judge{"testdata", []string{suite.Program(t, "php"), "judge.php"}}.holds(t, 3)
}

// The libraries come from npm, as package-lock.json has them. The short suite needs no network.
func TestNode(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	node := suite.Program(t, "node")
	judge{process.NPM(t, "testdata"), []string{node, "judge.mjs"}}.holds(t, 3)
}
