package operators

import (
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
)

// security 25, 42, 43: an operator sends links within the limits of a run and over that of the
// day. The output says when nothing is mailed, and the audit log has the operator.
func TestResend(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	erin, frank := r.People[0], r.People[1]
	r.Env = append(r.Env, "REKEY_MAIL_LIMIT=2")
	worker := r.Worker(t)
	r.Starter(t)

	answered(t, r.operate(t, 0, "resend", "--cool-down=1h", frank.Address), "mailed: link 1 of 3 of run ")
	r.Token(t, frank, 1)
	answered(t, r.operate(t, 3, "resend", frank.Address), "the cool-down is not over: retry at ")

	r.Forgot(t, erin)
	first := r.Token(t, erin, 1)
	r.findUntil(t, erin.Address, "the run waits", inState("awaiting_token"))
	answered(t, r.afterCoolDown(t, 0, erin), "mailed: link 2 of 3 of run ")
	second := r.Token(t, erin, 2)
	answered(t, r.afterCoolDown(t, 0, erin), "mailed: link 3 of 3 of run ")
	third := r.Token(t, erin, 3)
	answered(t, r.operate(t, 3, "resend", erin.Address), "the run has used its 3 mails")
	for _, link := range []string{first, second, third} {
		if a := r.Reset(t, link, "short"); a.Code != "password_too_short" {
			t.Errorf("link: %+v", a)
		}
	}
	r.Insist(t, second, newPassword)
	r.findUntil(t, erin.Address, "the run ends", inState("completed"))
	stop(t, worker)
	r.audited(
		t, erin, line{Event: account.EventMailIssued}, line{account.EventMailIssued, "a.smith", ""},
		line{account.EventMailIssued, "a.smith", ""}, line{Event: account.EventPasswordChanged},
	)
	r.audited(t, frank, line{account.EventMailIssued, "a.smith", ""})
	r.toldNothing(t)
}

// afterCoolDown resends as soon as the cool-down is over.
func (r *room) afterCoolDown(t *testing.T, code int, who account.Account) (p *process.Process) {
	t.Helper()
	process.Eventually(t, patience, "the end of the cool-down", func() bool {
		p = r.Start(t, []string{"REKEY_KEYS=" + r.keys}, "resend", who.Address)
		got := p.Exit(t)
		if strings.Contains(p.Err.String(), "cool-down") {
			return false
		}
		if got != code {
			t.Fatalf("resend: exit code %d, want %d\n%s%s", got, code, p.Out, p.Err)
		}
		return true
	})
	return p
}

// Without a worker a request is accepted all the same.
func TestResendWithoutAWorker(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	grace := r.People[2]
	answered(t, r.operate(t, 0, "resend", grace.Address), "requested: rekey mails a link as soon as a worker")
	answered(t, r.operate(t, 3, "resend", grace.Address), "a mail is in progress")
	worker := r.Worker(t)
	r.Token(t, grace, 1)
	r.findUntil(t, grace.Address, "the run waits", inState("awaiting_token"))
	stop(t, worker)
	r.audited(t, grace, line{account.EventMailIssued, "a.smith", ""})
	if said := r.said.String(); strings.Contains(said, grace.Address) {
		t.Error("a command printed the address")
	}
}
