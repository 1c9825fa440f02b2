package activities_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

const day = 24 * time.Hour

// guest has no password yet.
var guest = account.Account{ID: "guest", Address: "guest@example.com", Resettable: true}

// siteOf is a site in a run of a flow.
func siteOf(t *testing.T, d flow.Definition, accounts ...account.Account) *site {
	t.Helper()
	s := newSite(t, accounts...)
	s.run.ID = d.ID(key)
	s.First = password.DefaultParams()
	return s
}

// wantedBy is a run's request for its first link in a flow.
func wantedBy(d flow.Definition, address string) flow.LinkMail {
	m := wanted(address)
	m.Flow, m.Life, m.Note, m.Client, m.Operator = d.Mark(), 3*day, "Bob", "", "backend token 1"
	return m
}

// An invitation has links of its own, which live longer than a reset's may, and says how the first
// password is hashed. The submission sets it, and the notice says so.
func TestInvitation(t *testing.T) {
	t.Parallel()
	s := siteOf(t, workflow.Invite, guest)
	d, err := s.sendLink(t, wantedBy(workflow.Invite, guest.Address))
	must(t, err)
	expires := start.Add(3 * day).Truncate(time.Second)
	diff(t, "expires", d.Expires, expires)
	msg := s.mailer.last(t)
	if !strings.Contains(msg.Text, "Bob") || strings.Contains(msg.Subject, "Reminder") {
		t.Errorf("the mail is %q\n%s", msg.Subject, msg.Text)
	}
	purposes := link.Of("invitation")
	claims, token := s.claims(t, purposes.Use, msg)
	diff(t, "link", claims, link.Claims{RunID: run, AccountKey: key, Expires: expires, Address: guest.Address, Hash: "19456,2,1"})
	if declined, _ := s.claims(t, purposes.Cancel, msg); declined.Hash != "" {
		t.Error("the link to decline says how to hash")
	}
	if _, _, err := s.Links.Open(link.Reset, token.Text()); err == nil {
		t.Error("the link of an invitation opens as one of a reset")
	}

	p := keys.NewPassword{Hash: "$argon2id$first", Digest: token.Digest(), Accepted: start, Client: from}
	submission := flow.Submission{ID: p.ID(), LinkRun: run}
	submission.Sealed, err = s.sealer.Seal(p, submission.SealContext(s.run.ID))
	must(t, err)
	change := flow.Change{Run: run, Submission: submission}
	var asReset, verdict flow.Verdict
	must(t, s.once(t, flow.ChangePassword, change, &asReset))
	diff(t, "verdict as a reset", asReset.Event, statemachine.TokenUnknown)
	change.Flow = "invitation"
	must(t, s.once(t, flow.ChangePassword, change, &verdict))
	diff(t, "verdict", verdict, flow.Verdict{
		Event: statemachine.PasswordChanged, Run: run, Submission: p.ID(), Account: guest.ID, Changed: start,
	})
	var told flow.Delivery
	must(t, s.once(t, flow.SendEmail, flow.Mail{Run: run, Account: guest.ID, Changed: start, Submission: p.ID()}, &told))
	if notice := s.mailer.last(t); !strings.Contains(notice.Subject, "set") {
		t.Errorf("the notice of a first password is %q", notice.Subject)
	}
}

// The second mail of an invitation is a reminder.
func TestReminder(t *testing.T) {
	t.Parallel()
	s := siteOf(t, workflow.Invite, guest)
	m := wantedBy(workflow.Invite, guest.Address)
	m.Number = 2
	_, err := s.sendLink(t, m)
	must(t, err)
	if subject := s.mailer.last(t).Subject; !strings.HasPrefix(subject, "Reminder") {
		t.Errorf("the subject is %q", subject)
	}
}

// security 49: only an open account without a password is invited, and only one that may have one.
func TestWhoIsInvited(t *testing.T) {
	t.Parallel()
	closed, sso := guest, guest
	closed.ID, closed.Address, closed.Disabled = "closed", "closed@example.com", true
	sso.ID, sso.Address, sso.Resettable = "sso", "sso@example.com", false
	for address, want := range map[string]flow.Reason{
		ann.Address: flow.HasPassword, closed.Address: flow.Disabled, sso.Address: flow.NotResettable, "no@example.com": flow.NoAccount,
	} {
		s := siteOf(t, workflow.Invite, ann, guest, closed, sso)
		d, err := s.sendLink(t, wantedBy(workflow.Invite, address))
		must(t, err)
		diff(t, address, d.Withheld, want)
	}
	s := siteOf(t, workflow.Invite, guest)
	s.First = nil
	d, err := s.sendLink(t, wantedBy(workflow.Invite, guest.Address))
	must(t, err)
	diff(t, "without a format for first passwords", d.Withheld, flow.HashUnsupported)
}

// A worker that does not know a flow tries again: another one may.
func TestUnknownFlow(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	m := wanted(ann.Address)
	m.Flow = "another"
	if _, err := s.sendLink(t, m); err == nil || len(s.mailer.tried) > 0 {
		t.Errorf("error %v, %d mails", err, len(s.mailer.tried))
	}
}

// order is the question of a forced reset.
func order(address string) flow.Question {
	return flow.Question{
		Run: run, Sender: run, Flow: "forced-reset", Address: address, Operator: "a.smith", Note: "a leak", Order: "ORDER", At: start,
	}
}

const bcrypt = "$2y$12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq"

// forcedSite is a site in a forced reset, with an account whose hash can be blocked.
func forcedSite(t *testing.T) *site {
	t.Helper()
	a := ann
	a.Credential = bcrypt
	return siteOf(t, workflow.ForceReset, a)
}

// once is one attempt of an activity.
func (s *site) once(t *testing.T, name string, in, out any) error {
	t.Helper()
	_, err := s.attempt(t, name, in, out, nil)
	return err
}

func (s *site) block(t *testing.T, q flow.Question) (d flow.Decision) {
	t.Helper()
	must(t, s.once(t, workflow.BlockPassword, q, &d))
	return d
}

// A blocked account keeps the form of its hash, so that its owner gets a link, and loses its sessions.
func TestBlockPassword(t *testing.T) {
	t.Parallel()
	s := forcedSite(t)
	session, err := s.store.NewSession(t.Context(), ann.ID, bcrypt)
	must(t, err)
	diff(t, "decision", s.block(t, order(ann.Address)), flow.Decision{Run: run, Event: statemachine.PasswordBlocked})
	if now := s.credential(t); now == bcrypt || account.Form(now) != "$2y$" {
		t.Errorf("the stored hash is %s", now)
	}
	if _, err := s.store.Session(t.Context(), session); err == nil {
		t.Error("a session goes on")
	}
	m := wantedBy(workflow.ForceReset, ann.Address)
	m.Note = "a leak"
	d, err := s.sendLink(t, m)
	must(t, err)
	diff(t, "withheld", d.Withheld, flow.Reason(""))
	msg := s.mailer.last(t)
	if claims, _ := s.claims(t, link.Of("forced-reset").Use, msg); claims.Hash != "2y12" || !strings.Contains(msg.Text, "a leak") {
		t.Errorf("the link says %+v, the mail\n%s", claims, msg.Text)
	}
}

// security 51: an order is executed once, and within a day. A copy of it does not block the password
// that the owner chose since.
func TestOrderIsExecutedOnce(t *testing.T) {
	t.Parallel()
	s := forcedSite(t)
	s.block(t, order(ann.Address))
	blocked := s.credential(t)
	s.block(t, order(ann.Address))
	diff(t, "the hash after a repetition", s.credential(t), blocked)

	mine := ann
	mine.Credential = bcrypt
	must(t, s.store.Put(t.Context(), mine)) // the owner has chosen
	diff(t, "decision about a copy", s.block(t, order(ann.Address)), flow.Decision{
		Run: run, Event: statemachine.ChangeRefused, Reason: "the order was executed, and the account has another password since",
	})
	diff(t, "the owner's password", s.credential(t), bcrypt)

	late := order(ann.Address)
	late.Order = "ANOTHER"
	s.now = start.Add(day + time.Minute)
	diff(t, "decision about an old order", s.block(t, late), flow.Decision{
		Run: run, Event: statemachine.ChangeRefused, Reason: "the order is older than a day",
	})
	none := order(ann.Address)
	none.Order, none.At = "", s.now
	diff(t, "decision without an order", s.block(t, none).Event, statemachine.ChangeRefused)
	diff(t, "the owner's password", s.credential(t), bcrypt)

	foreign := order(ann.Address)
	foreign.Order, foreign.Sender, foreign.At = "THIRD", "another run", s.now
	if err := s.once(t, workflow.BlockPassword, foreign, new(flow.Decision)); err == nil || s.credential(t) != bcrypt {
		t.Errorf("a question of another run: %v", err)
	}
}

// The store blocks, the worker dies before Temporal hears of it, and no worker is there for a day.
// The repetition says what is so: the password is blocked.
func TestBlockedIsNotRefusedADayLater(t *testing.T) {
	t.Parallel()
	s := forcedSite(t)
	q := order(ann.Address)
	diff(t, "first attempt", s.block(t, q).Event, statemachine.PasswordBlocked)
	if s.credential(t) == bcrypt {
		t.Fatal("the password works")
	}
	s.now = start.Add(day + time.Minute)
	diff(t, "the attempt that Temporal hears of", s.block(t, q), flow.Decision{Run: run, Event: statemachine.PasswordBlocked})
}

// A closed account with the address of an open one is blocked too: it may be opened again.
func TestClosedAccountBehindAnOpenOneIsBlocked(t *testing.T) {
	t.Parallel()
	open, closed := ann, ann
	open.Credential = bcrypt
	closed.ID, closed.Disabled, closed.Credential = "closed", true, bcrypt
	s := siteOf(t, workflow.ForceReset, open, closed)
	s.block(t, order(ann.Address))
	if s.credential(t) == bcrypt {
		t.Fatal("the open account is not blocked")
	}
	if a, err := s.store.Account(t.Context(), closed.ID); err != nil || a.Credential == bcrypt {
		t.Errorf("the password of the closed account works: %v", err)
	}
}

// An order that came too late leaves a line in the audit log, as each other refusal does.
func TestOldOrderIsAudited(t *testing.T) {
	t.Parallel()
	s := forcedSite(t)
	q := order(ann.Address)
	s.now = start.Add(day + time.Minute)
	diff(t, "event", s.block(t, q).Event, statemachine.ChangeRefused)
	log, err := s.store.Audit(t.Context(), ann.ID)
	must(t, err)
	if len(log) != 1 || log[0].Event != account.EventChangeRefused {
		t.Errorf("the audit log has %+v", log)
	}
}

// A refusal is a decision, with a line in the audit log. A closed account is blocked: it may be
// opened again.
func TestWhoIsBlocked(t *testing.T) {
	t.Parallel()
	closed, sso, old := ann, ann, ann
	closed.Disabled, closed.Credential = true, bcrypt
	sso.Resettable, sso.Credential = false, bcrypt
	old.Credential = "$P$Bsaltdigest"
	for name, tc := range map[string]struct {
		a    account.Account
		want string // why it is refused
	}{
		"closed": {closed, ""}, "sso": {sso, "not_resettable"}, "no password": {guest, "not_resettable"}, "an old hash": {old, "hash_unsupported"},
	} {
		s := siteOf(t, workflow.ForceReset, tc.a)
		d := s.block(t, order(tc.a.Address))
		diff(t, name, d.Reason, tc.want)
		log, err := s.store.Audit(t.Context(), tc.a.ID)
		must(t, err)
		want := account.Entry{At: start, Event: account.EventPasswordBlocked, Run: run, AccountID: tc.a.ID, Operator: "a.smith", Detail: "a leak"}
		if tc.want != "" {
			want.Event, want.Detail = account.EventChangeRefused, tc.want
		}
		diff(t, name+": audit log", log, []account.Entry{want})
	}
}

// Further flows are those of the program that runs the worker.
func TestFurtherFlow(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	mine := workflow.ResetPassword
	mine.Kind = "mine"
	s.Flows = []activities.Flow{{Definition: mine, Scope: "mine", Withheld: func(account.Account) flow.Reason { return "mine_alone" }}}
	m := wanted(ann.Address)
	m.Flow = "mine"
	d, err := s.sendLink(t, m)
	must(t, err)
	diff(t, "withheld", d.Withheld, flow.Reason("mine_alone"))
}

// A flow of one's own adds a reason, and mails no closed account, whatever it says itself.
func TestFurtherFlowMailsNoClosedAccount(t *testing.T) {
	t.Parallel()
	closed := ann
	closed.Disabled = true
	s := newSite(t, closed)
	mine := workflow.ResetPassword
	mine.Kind = "mine"
	for _, apply := range []func(context.Context, account.Account, account.Change) error{
		nil, func(context.Context, account.Account, account.Change) error { return nil },
	} {
		s.Flows = []activities.Flow{{Definition: mine, Apply: apply, Withheld: func(account.Account) flow.Reason { return "" }}}
		m := wanted(closed.Address)
		m.Flow = "mine"
		d, err := s.sendLink(t, m)
		must(t, err)
		diff(t, "withheld", d.Withheld, flow.Disabled)
	}
}
