package activities_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/mail"
)

// notice is the notice of a run that changed the password.
var notice = flow.Mail{Run: run, Account: ann.ID, Changed: start, Submission: "applied"}

// delivered is the result of the notice.
func delivered(left ...string) flow.Delivery { return flow.Delivery{Notice: run, Left: left} }

// told is the account to notify: ann with two more addresses.
func told() account.Account {
	a := ann
	a.Notify = []string{"two@example.com", "three@example.com"}
	return a
}

// changedSite is a site with an account whose password was changed by the run.
func changedSite(t *testing.T, a account.Account) *site {
	t.Helper()
	s := newSite(t, a)
	s.applied(t, a, run, notice.Submission)
	return s
}

// applied changes a password.
func (s *site) applied(t *testing.T, a account.Account, run, submission string) {
	t.Helper()
	record := account.TokenRecord{
		Key: [32]byte{1}, Scope: account.ScopePasswordReset, AccountID: a.ID, Address: a.Address,
		Credential: account.CredentialDigest(a.Credential), Run: run, Mail: submission, Issued: start, Expires: start.Add(life),
	}
	_, err := s.store.IssueToken(t.Context(), record, 10)
	must(t, err)
	_, err = s.store.ChangePassword(t.Context(), account.Change{Record: record.Key, Submission: submission, Run: run, Hash: "$argon2id$new", At: start})
	must(t, err)
}

// notify notifies the addresses in the store, whatever the input has.
func (s *site) notify(t *testing.T, to ...string) (d flow.Delivery, err error) {
	t.Helper()
	owed := notice
	owed.To = to
	_, err = s.attempt(t, "send-email", owed, &d, nil)
	return d, err
}

// owed is the notice in the store.
func (s *site) owed(t *testing.T) account.Notice {
	t.Helper()
	n, err := s.store.Notice(t.Context(), run, notice.Submission)
	must(t, err)
	return n
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

// security 18: every address that the account had is notified, each in a mail of its own.
func TestEveryAddressIsTold(t *testing.T) {
	t.Parallel()
	who := told()
	who.Notify = append(who.Notify, "Two@example.com", ann.Address) // notified already
	for i := range 40 {
		who.Notify = append(who.Notify, fmt.Sprintf("more%d@example.com", i))
	}
	s := changedSite(t, who)
	d, err := s.notify(t)
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
	diff(t, "heartbeats", s.beats, 0) // each is a billed call
}

// security 18, 27: a notice is sent once, for any number of workflow resets and from any run.
// Addresses, account and time in the input decide nothing: a thief of the payload key can write
// them.
func TestNoticeIsSentOnce(t *testing.T) {
	t.Parallel()
	s := changedSite(t, told())
	forged := notice
	forged.To, forged.Account, forged.Changed = []string{"mallory@example.com"}, "mallory", start.AddDate(1, 0, 0)
	var d flow.Delivery
	_, err := s.attempt(t, "send-email", forged, &d, nil)
	must(t, err)
	diff(t, "told", s.mailer.to(), []string{ann.Address, "two@example.com", "three@example.com"})
	s.run.RunID = "another" // after a workflow reset, or in FinishReset
	again := notice
	again.Sender = s.run.RunID
	for range 8 {
		_, err := s.attempt(t, "send-email", again, &d, nil)
		must(t, err)
		diff(t, "delivery", d, delivered())
	}
	diff(t, "told again", s.mailer.to(), []string(nil))
}

// Inputs of 0.2.0 name no submission. Its changes owe a notice to the account as it is now.
func TestNoticeOfARunOfBefore(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	before := notice
	before.Submission = ""
	var d flow.Delivery
	_, err := s.attempt(t, "send-email", before, &d, nil)
	must(t, err)
	diff(t, "delivery", d, delivered())
	diff(t, "told", s.mailer.to(), []string{ann.Address})
}

// security 18: a failed address keeps its pending notice and is tried again alone, also after a
// refusal. The others are notified once, and the caller waits no longer.
func TestAddressIsTriedAgainAlone(t *testing.T) {
	t.Parallel()
	for _, outcome := range []mail.Outcome{mail.Deferred, mail.Refused} {
		s := changedSite(t, told())
		s.mailer.fail = rejects(outcome, ann.Address)
		d, err := s.notify(t)
		must(t, err)
		diff(t, "delivery", d, delivered(ann.Address))
		id := s.mailer.tried[0].ID
		diff(t, "first attempt", s.mailer.to(), []string{ann.Address, "two@example.com", "three@example.com"})
		if _, err = s.notify(t, ann.Address); err == nil {
			t.Fatalf("a notice that is owed is no error while it is %s, so it is not tried again", outcome)
		}
		diff(t, "second attempt", s.mailer.to(), []string{ann.Address})
		s.mailer.fail = nil
		d, err = s.notify(t, ann.Address)
		must(t, err)
		diff(t, "delivery", d, delivered())
		diff(t, "Message-ID", s.mailer.tried[0].ID, id)
		diff(t, "third attempt", s.mailer.to(), []string{ann.Address})
	}
}

// An address after a failed attempt goes behind the untried ones.
func TestHangingAddressDoesNotStarveTheOthers(t *testing.T) {
	t.Parallel()
	s := changedSite(t, told())
	s.mailer.fail = func(context.Context, mail.Message) error {
		close(s.stopping)
		return &mail.Error{Outcome: mail.Deferred, Step: "content"}
	}
	_, err := s.notify(t)
	if err == nil {
		t.Error("an attempt on a stopping worker that told nobody is no error")
	}
	diff(t, "tried on a stopping worker", s.mailer.to(), []string{ann.Address})
	s.mailer.fail, s.stopping = nil, make(chan struct{})
	_, err = s.notify(t)
	must(t, err)
	diff(t, "then", s.mailer.to(), []string{"two@example.com", "three@example.com", ann.Address})
}

// A mail server that loses its answers gets three copies in a day, and they are spaced.
func TestUnknownOutcomeIsBounded(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	s.mailer.fail = failing(mail.Unknown, 0)
	var sent []time.Duration
	for ; s.now.Sub(start) < 24*time.Hour; s.now = s.now.Add(30 * time.Second) {
		d, err := s.notify(t)
		if s.mailer.to() != nil {
			sent = append(sent, s.now.Sub(start))
		}
		if err == nil {
			diff(t, "delivery", d, delivered())
			break
		}
		var wait *temporal.ApplicationError
		if errors.As(err, &wait) && wait.Type() == "too_early" && wait.NextRetryDelay() > 15*time.Minute {
			t.Errorf("the next attempt is in %s", wait.NextRetryDelay())
		}
	}
	diff(t, "copies", sent, []time.Duration{0, 30 * time.Second, 15*time.Minute + 30*time.Second})
	diff(t, "told", s.owed(t).Told, 1)
}

// The result of a mail is noted although the worker stops and its context is over.
func TestNoticeIsNotedOnAStoppingWorker(t *testing.T) {
	t.Parallel()
	s := changedSite(t, ann)
	w := watch(s)
	w.mailer.fail = func(ctx context.Context, _ mail.Message) error {
		w.over = ctx
		return nil
	}
	_, err := s.notify(t)
	must(t, err)
	diff(t, "told", s.owed(t).Told, 1)
	if w.noted == nil || w.noted.Done() == w.over.Done() {
		t.Error("what became of the mail is noted under the context of the attempt, which may be over")
	}
}

func TestNobodyIsTold(t *testing.T) {
	t.Parallel()
	s := changedSite(t, told())
	s.mailer.fail = failing(mail.Refused, 550)
	if _, err := s.notify(t); err == nil {
		t.Error("all are refused, and it is no error, so it is not tried again")
	}
	_, err := s.store.Tell(t.Context(), notice.Submission, account.TellGivenUp, "", start)
	must(t, err)
	s.mailer.to()
	d, err := s.notify(t)
	must(t, err)
	diff(t, "given up", d, flow.Delivery{Notice: run, Withheld: flow.MailFailed})
	diff(t, "mails", s.mailer.to(), []string(nil))

	unknown := notice
	unknown.Submission = "another"
	_, err = s.attempt(t, "send-email", unknown, &d, nil)
	must(t, err)
	diff(t, "not remembered", d, flow.Delivery{Notice: run, Withheld: flow.NoChange})
	watch(s).fail = errors.New("connection refused")
	if _, err := s.notify(t); err == nil {
		t.Error("a store that is away is no error, so the notice is not tried again")
	}
}

// security 18: a stranger in the account cannot remove addresses before their notice. That holds
// while the mail server is away, and when the account is closed.
func TestWhomToTellIsDecidedByTheChange(t *testing.T) {
	t.Parallel()
	s := changedSite(t, told())
	must(t, s.store.Put(t.Context(), account.Account{ID: ann.ID, Address: "mallory@example.com", Credential: "x", Resettable: true}))
	must(t, s.store.Delete(t.Context(), ann.ID))
	_, err := s.notify(t)
	must(t, err)
	diff(t, "told", s.mailer.to(), []string{ann.Address, "two@example.com", "three@example.com"})
}

// security 18, 43: an owner without a notice after a day is in the audit log and in the metric,
// once. Before that no caller can give a notice up.
func TestGiveUpNotice(t *testing.T) {
	t.Parallel()
	s := changedSite(t, told())
	m := counting(s)
	s.mailer.fail = failing(mail.Refused, 550)
	everybody := []string{ann.Address, "two@example.com", "three@example.com"}
	giveUp := func(what string, m flow.Mail, want flow.Delivery) {
		t.Helper()
		var d flow.Delivery
		_, err := s.attempt(t, "give-up-notice", m, &d, nil)
		must(t, err)
		diff(t, what, d, want)
	}
	giveUp("never tried", notice, delivered(everybody...))
	if _, err := s.notify(t); err == nil {
		t.Fatal("refused by all, and no error")
	}
	giveUp("tried just now", notice, delivered(everybody...))
	s.now = start.Add(24*time.Hour - time.Second)
	for range 2 {
		giveUp("tried for a day", notice, delivered())
	}
	diff(t, "untold", s.owed(t).Untold(), true)
	diff(t, "counted", m.total["rekey_notices_failed"], int64(1))
	log, err := s.store.Audit(t.Context(), ann.ID)
	must(t, err)
	last := log[len(log)-1]
	diff(t, "audit log", last, account.Entry{
		At: s.now, Event: account.EventNoticeFailed, Run: run, AccountID: ann.ID, Detail: "no address was notified of the password change",
	})
	diff(t, "entries", len(log), 3)

	unknown := notice
	unknown.Submission = "another"
	giveUp("not remembered", unknown, delivered())
	diff(t, "counted", m.total["rekey_notices_failed"], int64(2))
	foreign := notice
	foreign.Sender = "another"
	if _, err := s.attempt(t, "give-up-notice", foreign, nil, nil); err == nil {
		t.Error("the input of another run is taken")
	}
}

// An account that was forgotten with a pending notice stays forgotten: no mail, no line and no
// alarm.
func TestForgottenOwnerIsOwedNothing(t *testing.T) {
	t.Parallel()
	s := changedSite(t, told())
	m := counting(s)
	s.mailer.fail = failing(mail.Refused, 550)
	if _, err := s.notify(t); err == nil {
		t.Fatal("refused by all, and no error")
	}
	must(t, s.store.Delete(t.Context(), ann.ID))
	_, err := s.store.Forget(t.Context(), ann.ID, account.Entry{At: s.now, Operator: "a.smith"})
	must(t, err)
	s.mailer.to()
	d, err := s.notify(t)
	must(t, err)
	diff(t, "asked for", d, flow.Delivery{Notice: run, Withheld: flow.NoChange})
	diff(t, "mails", s.mailer.to(), []string(nil))
	s.now = start.Add(24 * time.Hour)
	var given flow.Delivery
	_, err = s.attempt(t, "give-up-notice", notice, &given, nil)
	must(t, err)
	diff(t, "given up", given, delivered())
	diff(t, "counted", m.total["rekey_notices_failed"], int64(0))
	log, err := s.store.Audit(t.Context(), ann.ID)
	must(t, err)
	diff(t, "lines", len(log), 0)
	watch(s).fail = errors.New("connection refused")
	if _, err = s.attempt(t, "give-up-notice", notice, nil, nil); err == nil {
		t.Error("a store that is away is no error")
	}
}
