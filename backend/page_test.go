package backend_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/backend"
	"github.com/rekeyhq/rekey/internal/testkit/authority"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// The commands of docs/backends.md do what the page says.
func TestCommandsOfTheDocumentation(t *testing.T) {
	t.Parallel()
	suite.Program(t, "curl")
	suite.Program(t, "openssl")
	page, err := os.ReadFile("../docs/backends.md")
	check(t, err)
	var commands []string
	for block := range strings.SplitSeq(string(page), "\n```sh\n") {
		commands = append(commands, block[:strings.Index(block+"\n```\n", "\n```\n")])
	}
	makeToken, sendBearer, sendCertificate := commands[1], commands[2], commands[3]

	folder, own := t.TempDir(), authority.New(t)
	certificate, key := own.Issue(t, "orders", nil)
	for name, file := range map[string]string{"ca.crt": own.File, "orders.crt": certificate, "orders.key": key} {
		check(t, os.Symlink(file, filepath.Join(folder, name)))
	}
	run := func(script, addr string) string {
		sh := exec.CommandContext(t.Context(), "sh", "-ec", strings.ReplaceAll(script, "https://rekey.example.com:8443", "https://"+addr))
		sh.Dir = folder
		out, err := sh.Output()
		if err != nil {
			t.Fatalf("%s: %v, %s", script, err, out)
		}
		return string(out)
	}
	run(makeToken, "")
	file, err := os.ReadFile(filepath.Join(folder, "backends.tokens"))
	check(t, err)
	tokens, err := backend.ParseTokens(string(file))
	check(t, err)

	const accepted = `{"status":"accepted"}` + "\n"
	flows := &fakeFlows{}
	h, _ := newHandler(t, flows, func(c *backend.Config) { c.Tokens = tokens })
	if out := run(sendBearer, serve(t, h, secured(t, own))); out != strings.Repeat(accepted, 4) {
		t.Errorf("with a bearer: %s", out)
	}
	h, _ = newHandler(t, flows, func(c *backend.Config) { c.Tokens, c.Certificates = nil, true })
	if out := run(sendCertificate, serve(t, h, secured(t, own, own))); out != accepted {
		t.Errorf("with a certificate: %s", out)
	}
	want := []string{
		`invite ann@example.com 72h0m0s "Bo Ek" by token 1 from 127.0.0.1`,
		`resend ann@example.com by token 1 from 127.0.0.1`,
		`cancel ann@example.com by token 1 from 127.0.0.1`,
		`force ann@example.com "The laptop of this account was stolen." by token 1 from 127.0.0.1`,
		`invite ann@example.com 0s "" by orders from 127.0.0.1`,
	}
	if diff := cmp.Diff(want, flows.calls); diff != "" {
		t.Error(diff)
	}
}
