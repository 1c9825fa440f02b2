package activities_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/mail"
)

// wanted is a run's request for its first link.
func wanted(address string) flow.LinkMail {
	return flow.LinkMail{Number: 1, Run: run, Life: life, Address: address, Client: from}
}

// The mail holds both links for the waiting run, and the store the record that makes the first one
// count. It is there before the mail goes out.
//
// security 4, 10, 11, 43: a record of the token's double hash, bound to account, address and
// credential.
func TestLinkIsRecordedAndMailed(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	w := watch(s)
	got, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
	expires := start.Add(life).Truncate(time.Second)
	diff(t, "delivery", got, flow.Delivery{Mail: wanted("").Name(), Expires: expires})

	msg := s.mailer.last(t)
	diff(t, "recipient", msg.To, ann.Address)
	claims, token := s.claims(t, link.Reset, msg)
	diff(t, "reset link", claims, link.Claims{RunID: run, AccountKey: key, Expires: expires, Address: ann.Address})
	cancel, other := s.claims(t, link.Cancel, msg)
	diff(t, "cancel link", cancel, claims)
	if other.Text() == token.Text() {
		t.Error("both links have one token")
	}
	digest := token.Digest()
	named, err := s.MessageIDs.Open(msg.ID)
	must(t, err)
	mailID := w.issued[0].Mail
	diff(t, "name of the mail in its Message-ID", named.Name, mailID[:16])
	diff(t, "record", w.issued, []account.TokenRecord{{
		Key: sha256.Sum256(digest[:]), Scope: "password:reset", AccountID: ann.ID, Address: ann.Address,
		Credential: account.CredentialDigest(ann.Credential), Run: run, Mail: mailID, Client: from,
		Issued: start, Expires: expires,
	}})
	diff(t, "mails tried before the record was there", w.before, []int{0})
	s.audited(t, ann.ID, account.Entry{Event: account.EventMailIssued})
}

// security 42, 43: the audit log names an operator who requested a mail, sent or withheld.
func TestOperatorWhoAskedIsAudited(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	for n, resettable := range []bool{true, false} {
		a := ann
		a.Resettable = resettable
		must(t, s.store.Put(t.Context(), a))
		m := wanted(ann.Address)
		m.Number, m.Client, m.Operator = n+1, "", "a.smith"
		_, err := s.sendLink(t, m)
		must(t, err)
	}
	got, err := s.store.Audit(t.Context(), ann.ID)
	must(t, err)
	diff(t, "audit log", got, []account.Entry{
		{At: start, Event: account.EventMailIssued, Run: run, AccountID: ann.ID, Operator: "a.smith"},
		{At: start, Event: account.EventMailWithheld, Run: run, AccountID: ann.ID, Operator: "a.smith", Detail: "not_resettable"},
	})
}

// security 25: an operator may go over the limit by three, and no further; the owner may not.
func TestOperatorMayGoOverTheMailLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	s.MailLimit = 1
	for n, mail := range []struct {
		operator string
		want     flow.Reason
	}{
		{"", ""},
		{"", flow.MailLimit},
		{"a.smith", ""},
		{"", flow.MailLimit},
		{"a.smith", ""},
		{"b.jones", ""},
		{"a.smith", flow.MailLimit},
		{"", flow.MailLimit},
	} {
		m := wanted(ann.Address)
		m.Number, m.Operator = n+1, mail.operator
		got, err := s.sendLink(t, m)
		must(t, err)
		diff(t, fmt.Sprintf("mail %d withheld", m.Number), got.Withheld, mail.want)
	}
	diff(t, "mails", len(s.mailer.to()), 4)
}

// security 20: mail goes to the address in the store and never to the typed one.
func TestLinkGoesToTheStoredAddress(t *testing.T) {
	t.Parallel()
	stored := ann
	stored.Address = "Ann@EXAMPLE.com"
	s := newSite(t, stored)
	_, err := s.sendLink(t, wanted("ann@example.com"))
	must(t, err)
	diff(t, "recipient", s.mailer.to(), []string{"Ann@EXAMPLE.com"})
}

// security 2, 10, 20, 30: accounts that get no link, with the reason for operators.
func TestWithheld(t *testing.T) {
	t.Parallel()
	with := func(change func(*account.Account)) account.Account {
		a := ann
		change(&a)
		return a
	}
	twin := with(func(a *account.Account) { a.ID = "twin" })
	for name, test := range map[string]struct {
		accounts []account.Account
		find     func([]account.Account) []account.Account
		want     flow.Reason
		owner    string
	}{
		"unknown":        {want: flow.NoAccount},
		"ambiguous":      {accounts: []account.Account{ann, twin}, want: flow.Ambiguous},
		"disabled":       {accounts: []account.Account{with(func(a *account.Account) { a.Disabled = true })}, want: flow.Disabled, owner: ann.ID},
		"not resettable": {accounts: []account.Account{with(func(a *account.Account) { a.Resettable = false })}, want: flow.NotResettable, owner: ann.ID},
		"SSO only":       {accounts: []account.Account{with(func(a *account.Account) { a.Credential = "" })}, want: flow.NotResettable, owner: ann.ID},
		"SSO at Django":  {accounts: []account.Account{with(func(a *account.Account) { a.Credential = "!r4nd0m" })}, want: flow.NotResettable, owner: ann.ID},
		// A database that folds more than ASCII finds another account: Django CVE-2019-19844.
		"found by a wide comparison": {
			find: func([]account.Account) []account.Account {
				return []account.Account{with(func(a *account.Account) { a.Address = "ann@example.\u212aom" })}
			},
			want: flow.NoAccount,
		},
		"stored with a folded letter": {
			find: func([]account.Account) []account.Account {
				return []account.Account{with(func(a *account.Account) { a.Address = "\u0430nn@example.com" })}
			},
			want: flow.NoAccount,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, test.accounts...)
			watch(s).find = test.find
			got, err := s.sendLink(t, wanted(ann.Address))
			must(t, err)
			diff(t, "delivery", got, flow.Delivery{Mail: wanted("").Name(), Withheld: test.want})
			diff(t, "mails", s.mailer.to(), []string(nil))
			line := []account.Entry{{Event: account.EventMailWithheld, Detail: string(test.want)}}
			if test.want == flow.NoAccount { // strangers must not make the log grow
				line = nil
			}
			s.audited(t, test.owner, line...)
		})
	}
}

// security 42: an operator's request is in the audit log, also for an unknown address.
func TestOperatorsMailToNobodyIsAudited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	m := wanted(ann.Address)
	m.Client, m.Operator = "", "a.smith"
	_, err := s.sendLink(t, m)
	must(t, err)
	got, err := s.store.Audit(t.Context(), "")
	must(t, err)
	diff(t, "audit log", got, []account.Entry{{
		At: start, Event: account.EventMailWithheld, Run: run, Operator: "a.smith", Detail: string(flow.NoAccount),
	}})
}

// The account that really has the address gets its link, whatever else a database found.
func TestLookalikeDoesNotHideTheOwner(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	watch(s).find = func(found []account.Account) []account.Account {
		return append([]account.Account{{ID: "mallory", Address: "ann@ex\u00e4mple.com", Credential: "x", Resettable: true}}, found...)
	}
	_, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
	diff(t, "recipient", s.mailer.to(), []string{ann.Address})
}

// security 25: the limit bounds the mails, and earlier links stay good.
func TestMailLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	s.MailLimit = 1
	_, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
	first := s.chosen(t, "$argon2id$new")

	again := wanted(ann.Address)
	again.Number = 2
	got, err := s.sendLink(t, again)
	must(t, err)
	diff(t, "delivery", got, flow.Delivery{Mail: again.Name(), Withheld: flow.MailLimit})
	diff(t, "mails", s.mailer.to(), []string{ann.Address})
	s.audited(t, ann.ID,
		account.Entry{Event: account.EventMailIssued},
		account.Entry{Event: account.EventMailWithheld, Detail: string(flow.MailLimit)})
	if v, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, first)}); err != nil || v.Account != ann.ID {
		t.Errorf("the first link: %+v, %v", v, err)
	}
}

func TestLinkRefusedByTheMailServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	w := watch(s)
	s.mailer.fail = failing(mail.Refused, 550)
	got, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
	diff(t, "delivery", got, flow.Delivery{Mail: wanted("").Name(), Withheld: flow.MailRefused})
	diff(t, "revoked", w.revoked, []account.RecordKey{w.issued[0].Key})
	s.audited(t, ann.ID,
		account.Entry{Event: account.EventMailIssued}, account.Entry{Event: account.EventMailRevoked},
		account.Entry{Event: account.EventMailWithheld, Detail: string(flow.MailRefused)})
}

// security 23: a mail that did not go out is tried again as the same mail, counted once. It gets a
// link of its own, whose life begins then.
func TestLinkDeferredByTheMailServer(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	s.MailLimit = 1
	w := watch(s)
	s.mailer.fail = failing(mail.Deferred, 451)
	if _, err := s.sendLink(t, wanted(ann.Address)); err == nil {
		t.Fatal("a deferred mail is no error, so it is not tried again")
	}
	diff(t, "revoked", w.revoked, []account.RecordKey{w.issued[0].Key})
	first, dead := s.mailer.last(t), s.chosen(t, "$argon2id$new")

	s.mailer.fail, s.now = nil, start.Add(5*time.Hour)
	got, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
	diff(t, "expires", got.Expires, start.Add(5*time.Hour+life).Truncate(time.Second))
	second := s.mailer.last(t)
	diff(t, "Message-ID", second.ID, first.ID)
	claims, _ := s.claims(t, link.Reset, second)
	diff(t, "expires, in the link", claims.Expires, got.Expires)
	v, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, dead)})
	must(t, err)
	diff(t, "link of the first attempt", string(v.Event), "token_unknown")
}

// security 23: a mail that may have arrived has a link that must work, so its record is kept. It
// is tried again all the same.
func TestLinkWithUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]error{
		"lost after DATA":  &mail.Error{Outcome: mail.Unknown, Step: "content"},
		"another's mailer": errors.New("timeout"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, ann)
			w := watch(s)
			s.mailer.fail = func(context.Context, mail.Message) error { return fail }
			if _, err := s.sendLink(t, wanted(ann.Address)); err == nil {
				t.Error("an unknown outcome is no error, so it is not tried again")
			}
			diff(t, "revoked", w.revoked, []account.RecordKey(nil))
			v, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, s.chosen(t, "$argon2id$new"))})
			must(t, err)
			diff(t, "its link", string(v.Event), "password_changed")
		})
	}
}

// Message-IDs tell mails apart: another number, sending run or recipient is another mail.
func TestMessageIDs(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	ids := map[string]bool{}
	for n, change := range []func(*flow.Mail){
		func(*flow.Mail) {},
		func(m *flow.Mail) { m.Number = 2 },
		func(*flow.Mail) {}, // after a workflow reset
		func(m *flow.Mail) {
			s.applied(t, ann, run, notice.Submission)
			*m = notice
		},
		func(m *flow.Mail) {
			again := ann
			again.Credential = "$argon2id$new"
			s.applied(t, again, run, "again")
			*m = notice
			m.Submission = "again"
		},
	} {
		m := wanted(ann.Address).Mail()
		change(&m)
		s.run.RunID = run
		if n == 2 {
			s.run.RunID = "5c2e9d10-0000-4000-8000-000000000000"
		}
		m.Sender = s.run.RunID
		_, err := s.attempt(t, "send-email", m, &flow.Delivery{}, nil)
		must(t, err)
		id := s.mailer.last(t).ID
		if !strings.HasSuffix(id, "@accounts.example.com") {
			t.Errorf("Message-ID %s lacks the domain", id)
		}
		ids[id] = true
	}
	if len(ids) != 5 {
		t.Errorf("%d Message-IDs for 5 mails", len(ids))
	}
}

// security 33: every client of Temporal can copy a sealed input to a run of their own, with an ID
// of Temporal's choice. Nothing is mailed and nothing noted there. After a workflow reset the run
// has another ID, and names it.
func TestInputOfAnotherRun(t *testing.T) {
	t.Parallel()
	const other = "5c2e9d10-0000-4000-8000-000000000000"
	s := newSite(t, ann)
	s.run.RunID = other
	for _, sender := range []string{"", run} { // of 0.1.0, and of now
		for name, in := range map[string]any{
			"a link":   flow.Mail{Run: run, Sender: sender, Number: 1, Life: life, Address: ann.Address},
			"a notice": flow.Mail{Run: run, Sender: sender, Account: ann.ID, Changed: start, Submission: notice.Submission},
		} {
			if _, err := s.attempt(t, "send-email", in, nil, nil); err == nil {
				t.Errorf("%s copied from another run is sent", name)
			}
		}
		c := flow.Cancellation{Run: run, Sender: sender, Address: ann.Address, At: start}
		if _, err := s.attempt(t, "record-cancel", c, nil, nil); err == nil {
			t.Error("a cancel copied from another run is noted")
		}
	}
	diff(t, "mails", s.mailer.to(), []string(nil))
	after := wanted(ann.Address)
	after.Sender = other
	_, err := s.sendLink(t, after)
	must(t, err)
	diff(t, "after a workflow reset", s.mailer.to(), []string{ann.Address})
}

// A store that is away is tried again and never means an unknown address.
func TestStoreIsAway(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	watch(s).fail = errors.New("connection refused")
	if got, err := s.sendLink(t, wanted(ann.Address)); err == nil {
		t.Errorf("delivery %+v although the store is away", got)
	}
	diff(t, "mails", s.mailer.to(), []string(nil))
}

// A closed account does not hide a later one of the same owner. Two open ones hide each other.
func TestClosedAccountBesideAnOpenOne(t *testing.T) {
	t.Parallel()
	closed, twin := ann, ann
	closed.ID, closed.Disabled, twin.ID = "closed", true, "twin"
	for want, accounts := range map[flow.Reason][]account.Account{
		"": {ann, closed}, flow.Ambiguous: {ann, closed, twin}, flow.Disabled: {closed},
	} {
		s := newSite(t, accounts...)
		got, err := s.sendLink(t, wanted(ann.Address))
		must(t, err)
		diff(t, "withheld", got.Withheld, want)
	}
}
