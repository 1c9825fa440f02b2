package operators

import (
	"testing"

	"github.com/rekeyhq/rekey/account"
)

// canceled is the output of `rekey cancel --json`.
type canceled struct {
	Result string
	Named  bool
	Run    found
}

func (r *room) cancel(t *testing.T, code int, what string) (c canceled) {
	t.Helper()
	decode(t, r.operate(t, code, "cancel", "--json", what), &c)
	return c
}

// byUs is the line of a reset that the operator called off.
var byUs = line{account.EventResetCanceled, "a.smith", "by an operator"}

// security 42, 43: a cancel kills the link, may be repeated, and comes too late for a password
// that was accepted. It is in the audit log with its operator.
func TestCancel(t *testing.T) {
	t.Parallel()
	r := newRoom(t, "heidi")
	erin, frank, grace, heidi := r.People[0], r.People[1], r.People[2], r.People[3]
	worker := r.Worker(t)
	r.Starter(t)
	answered(t, r.operate(t, 3, "cancel", erin.Address), "keeps no run of this account")
	answered(t, r.operate(t, 3, "cancel", "0197b1a0-0000-7000-8000-000000000001"), "keeps no run of this ID")
	answered(t, r.operate(t, 2, "cancel", "erin"), "want a mail address, a run ID")
	for _, who := range r.People {
		r.Forgot(t, who)
		r.Token(t, who, 1)
		r.findUntil(t, who.Address, "the run waits", inState("awaiting_token"))
	}

	answered(t, r.operate(t, 0, "cancel", erin.Address), "canceled: no link of run ")
	if a := r.Reset(t, r.Token(t, erin, 1), newPassword); a.Code != "link_canceled" {
		t.Errorf("the link of the canceled reset: %+v", a)
	}
	r.findUntil(t, erin.Address, "the run ends", func(f found) bool { return !f.Open })
	answered(t, r.operate(t, 0, "cancel", erin.Address), "already over: run ")
	if c := r.cancel(t, 0, r.find(t, frank.Address)[0].ID); c.Result != "canceled" || !c.Named {
		t.Errorf("by workflow ID: %+v", c)
	}
	run := r.find(t, grace.Address)[0].Run
	if c := r.cancel(t, 0, run); c.Result != "canceled" || c.Run.Run != run {
		t.Errorf("by run ID: %+v", c)
	}
	r.Insist(t, r.Token(t, heidi, 1), newPassword)
	if c := r.cancel(t, 3, heidi.Address); c.Result != "too_late" {
		t.Errorf("after the change: %+v", c)
	}
	r.findUntil(t, heidi.Address, "the run ends", inState("completed"))
	r.findUntil(t, grace.Address, "the run ends", func(f found) bool { return !f.Open })
	stop(t, worker)
	issued := line{Event: account.EventMailIssued}
	for _, who := range []account.Account{erin, frank, grace} {
		r.audited(t, who, issued, byUs)
	}
	r.audited(t, heidi, issued, line{Event: account.EventPasswordChanged})
	r.toldNothing(t)
}

// Without a worker a cancel is accepted all the same. A password that came before it and
// that no worker has seen does not count: the run learns of both at once.
func TestCancelWithoutAWorker(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	erin, frank := r.People[0], r.People[1]
	worker := r.Worker(t)
	r.Starter(t)
	for _, who := range []account.Account{erin, frank} {
		r.Forgot(t, who)
		r.Token(t, who, 1)
		r.findUntil(t, who.Address, "the run waits", inState("awaiting_token"))
	}
	stop(t, worker)
	r.Submit(t, r.Token(t, frank, 1), newPassword)
	if c := r.cancel(t, 0, erin.Address); c.Result != "asked" || !c.Named {
		t.Errorf("cancel without a worker: %+v", c)
	}
	if c := r.cancel(t, 0, frank.Address); c.Result != "asked" || c.Run.State != "token_submitted" {
		t.Errorf("cancel after the password: %+v", c)
	}
	worker = r.Worker(t)
	for _, who := range []account.Account{erin, frank} {
		r.findUntil(t, who.Address, "the cancel is carried out", func(f found) bool { return f.State == "canceled" && !f.Open })
	}
	stop(t, worker)
	for _, who := range []account.Account{erin, frank} {
		r.audited(t, who, line{Event: account.EventMailIssued}, byUs)
	}
	r.toldNothing(t)
}
