package activities_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.temporal.io/sdk/converter"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/mail"
	"github.com/rekeyhq/rekey/workflow"
)

// notice is what a run asks for when the password was changed.
var notice = workflow.Mail{Run: run, Account: ann.ID, Changed: start}

// delivered says what became of the notice.
func delivered(left ...string) workflow.Delivery { return workflow.Delivery{Notice: run, Left: left} }

// told is whom to tell: ann and two more.
func told() account.Account {
	a := ann
	a.Notify = []string{"two@example.com", "three@example.com"}
	return a
}

func (s *site) notify(t *testing.T, details any) (workflow.Delivery, converter.EncodedValues, error) {
	t.Helper()
	return s.notifyAt(t, nil, details)
}

// notifyAt tells the addresses that the notice is still owed to.
func (s *site) notifyAt(t *testing.T, to []string, details any) (d workflow.Delivery, left converter.EncodedValues, err error) {
	t.Helper()
	owed := notice
	owed.To = to
	left, err = s.attempt(t, "send-email", owed, &d, details)
	return d, left, err
}

// recorded opens heartbeat details, as the next attempt does. Being able to is the proof
// that they were sealed: the converter takes nothing that is not.
func recorded(t *testing.T, left converter.EncodedValues) (p struct {
	Notice string
	Left   []string
	Told   int
},
) {
	t.Helper()
	if left == nil {
		t.Fatal("no heartbeat")
	}
	must(t, left.Get(&p))
	return p
}

// rejects fails for some recipients.
func rejects(outcome mail.Outcome, whom ...string) func(context.Context, mail.Message) error {
	return func(_ context.Context, m mail.Message) error {
		if slices.Contains(whom, m.To) {
			return &mail.Error{Outcome: outcome, Code: 1, Step: "recipient"}
		}
		return nil
	}
}

// security 18: every address that the store returns is told, each in a mail of its own.
func TestEveryAddressIsTold(t *testing.T) {
	t.Parallel()
	who := told()
	who.Notify = append(who.Notify, "Two@example.com", ann.Address) // told already
	for i := range 40 {
		who.Notify = append(who.Notify, fmt.Sprintf("more%d@example.com", i))
	}
	s := newSite(t, who)
	d, _, err := s.notify(t, nil)
	must(t, err)
	diff(t, "delivery", d, delivered())
	ids := map[string]bool{}
	for _, m := range s.mailer.tried {
		ids[m.ID] = true
		if !strings.Contains(m.Text, "1 March 2026 at 12:00 UTC") {
			t.Errorf("the notice does not say when:\n%s", m.Text)
		}
	}
	diff(t, "Message-IDs", len(ids), 43)
	to := s.mailer.to()
	diff(t, "mails", len(to), 43)
	diff(t, "the first", to[:3], []string{ann.Address, "two@example.com", "three@example.com"})
}

// A heartbeat is a billed call. One address that is told at once needs none.
func TestOneAddressCostsNoHeartbeat(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	_, _, err := s.notify(t, nil)
	must(t, err)
	diff(t, "heartbeats", s.beats, 0)
}

// security 18: one address that the mail server defers is owed its notice and tried again
// alone; the others are told once, and whoever waits for the notice waits no longer.
func TestDeferredAddressIsTriedAgainAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, told())
	s.mailer.fail = rejects(mail.Deferred, ann.Address)
	d, _, err := s.notify(t, nil)
	must(t, err)
	diff(t, "delivery", d, delivered(ann.Address))
	id := s.mailer.tried[0].ID
	diff(t, "first attempt", s.mailer.to(), []string{ann.Address, "two@example.com", "three@example.com"})

	owed := []string{ann.Address, "two@example.com"}
	_, left, err := s.notifyAt(t, owed, nil)
	if err == nil {
		t.Fatal("a notice that is owed is no error while it is deferred, so it is not tried again")
	}
	diff(t, "second attempt", s.mailer.to(), owed)
	s.mailer.fail = nil
	d, _, err = s.notifyAt(t, owed, recorded(t, left))
	must(t, err)
	diff(t, "delivery", d, delivered())
	diff(t, "Message-ID", s.mailer.tried[0].ID, id)
	diff(t, "third attempt", s.mailer.to(), []string{ann.Address})
}

// What was tried in vain goes behind those whose turn has not come.
func TestHangingAddressDoesNotStarveTheOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t, told())
	s.mailer.fail = func(context.Context, mail.Message) error {
		close(s.stopping)
		return &mail.Error{Outcome: mail.Deferred, Step: "content"}
	}
	_, left, err := s.notify(t, nil)
	if err == nil || !strings.Contains(err.Error(), "the worker stops") {
		t.Errorf("an attempt on a stopping worker: %v", err)
	}
	diff(t, "tried on a stopping worker", s.mailer.to(), []string{ann.Address})
	s.mailer.fail, s.stopping = nil, make(chan struct{})
	_, _, err = s.notify(t, recorded(t, left))
	must(t, err)
	diff(t, "then", s.mailer.to(), []string{"two@example.com", "three@example.com", ann.Address})
}

// A recipient that the mail server refuses does not keep the others from being told.
func TestRefusedAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, told())
	s.mailer.fail = rejects(mail.Refused, ann.Address, "three@example.com")
	d, _, err := s.notify(t, nil)
	must(t, err)
	diff(t, "delivery", d, delivered())
	diff(t, "mails", s.mailer.to(), []string{ann.Address, "two@example.com", "three@example.com"})
}

func TestNobodyIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t, told())
	s.mailer.fail = failing(mail.Refused, 550)
	d, _, err := s.notify(t, nil)
	must(t, err)
	diff(t, "all refused", d, workflow.Delivery{Notice: run, Withheld: workflow.MailRefused})

	must(t, s.store.Delete(t.Context(), ann.ID))
	d, _, err = s.notify(t, nil)
	must(t, err)
	diff(t, "account gone", d, workflow.Delivery{Notice: run, Withheld: workflow.NoAccount})
	watch(s).Store = gone{s.store}
	if _, _, err := s.notify(t, nil); err == nil {
		t.Error("a store that is away is no error, so the notice is not tried again")
	}
}

// gone is a store that is away.
type gone struct{ account.Store }

func (gone) Account(context.Context, string) (account.Account, error) {
	return account.Account{}, errors.New("connection refused")
}

// security 18: whoever took an account over cannot take addresses off it before they are
// told, not even while the mail server is away.
func TestWhomToTellIsDecidedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, told())
	s.mailer.fail = failing(mail.Deferred, 0)
	_, left, err := s.notify(t, nil)
	if err == nil {
		t.Fatal("a deferred notice is no error, so it is not tried again")
	}
	s.mailer.to()
	must(t, s.store.Put(t.Context(), account.Account{ID: ann.ID, Address: "mallory@example.com", Credential: "x", Resettable: true}))
	s.mailer.fail = nil
	_, _, err = s.notify(t, recorded(t, left))
	must(t, err)
	diff(t, "told", s.mailer.to(), []string{ann.Address, "two@example.com", "three@example.com"})
}

// security 27: anyone who may talk to Temporal can record a heartbeat, and copy one that
// was sealed for another run. The notice starts again then.
func TestForeignProgress(t *testing.T) {
	t.Parallel()
	s := newSite(t, told())
	s.mailer.fail = failing(mail.Deferred, 0)
	_, left, err := s.notify(t, nil)
	if err == nil {
		t.Fatal("a deferred notice is no error, so it is not tried again")
	}
	s.mailer.to()
	s.mailer.fail = nil
	copied := recorded(t, left)
	copied.Notice, copied.Left = "another", []string{"mallory@example.com"}
	for name, details := range map[string]any{"of another run": copied, "of another kind": "hello"} {
		d, _, err := s.notify(t, details)
		must(t, err)
		diff(t, name, d, delivered())
		diff(t, name, s.mailer.to(), []string{ann.Address, "two@example.com", "three@example.com"})
	}
}
