package e2e

import (
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/operator"
)

// A provider reports a complaint about a mail by its Message-ID. The run of the mail shows it, the
// audit log has it, and the account gets no other mail for a day. An ID that rekey did not make is
// unknown.
func TestComplaint(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.CoolDown = time.Nanosecond })
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	mails, err := s.Mail.Wait(t.Context(), who.Address, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Starter.Bounced(t.Context(), "forged@accounts.example.com", flow.MailComplaint); err == nil {
		t.Error("a forged Message-ID is known")
	}
	if err := s.Starter.Bounced(t.Context(), mails[0].MessageID, flow.MailComplaint); err != nil {
		t.Fatal(err)
	}
	process.Eventually(t, patience, "the line of the complaint", func() bool {
		log, err := s.Store.Audit(t.Context(), who.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range log {
			if e.Event == account.EventMailComplaint {
				return true
			}
		}
		return false
	})
	desk, err := operator.Dial(t.Context(), operator.Config{Temporal: client.Options{HostPort: s.Server.Addr()}, Keys: s.Keys})
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	find := func() operator.Run {
		t.Helper()
		runs, err := desk.Find(t.Context(), who.Address, 1)
		if err != nil || len(runs) != 1 {
			t.Fatalf("%+v, %v", runs, err)
		}
		return runs[0]
	}
	if r := find(); r.Complaints != 1 {
		t.Errorf("the run shows %+v", r)
	}
	forgot(t, s, who.Address)
	process.Eventually(t, patience, "a mail that is withheld", func() bool { return find().Withheld == string(flow.MailLimit) })
	if mails, err := s.Mail.Wait(t.Context(), who.Address, 1); err != nil || len(mails) != 1 {
		t.Errorf("%d mails, %v", len(mails), err)
	}
}
