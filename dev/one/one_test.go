package one

import (
	"syscall"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

const newPassword = "nine lanterns over the bay"

// stop stops a process as its operator does.
func stop(t *testing.T, p *process.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Exit(t); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

// A whole reset, with the operators' commands on the way.
func TestReset(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	p := s.StartOne(t)
	who := s.People[0]
	s.Forgot(t, who)
	token := s.Token(t, who, 1)
	s.Insist(t, token, newPassword)
	s.Mails(t, who, 2)
	stop(t, p)
}
