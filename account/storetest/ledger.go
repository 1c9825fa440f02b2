package storetest

import (
	"time"

	"github.com/rekeyhq/rekey/account"
)

// filters picks lines by each field, and by several.
func filters(s *suite) {
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	log := []account.Entry{
		{At: day(0), Event: account.EventMailIssued, Run: "r1", AccountID: "ann", Client: "2001:db8::1"},
		{At: day(1), Event: account.EventMailIssued, Run: "r2", AccountID: "bob", Operator: "a.smith"},
		{At: day(2), Event: account.EventPasswordChanged, Run: "r2", AccountID: "bob"},
		{At: day(3), Event: account.EventMailWithheld, Run: "r3", Detail: "ambiguous"},
		{At: day(4), Event: account.EventMailIssued, Run: "r4", AccountID: "ann"},
	}
	for _, e := range log {
		s.must(s.Record(s.Context(), e))
	}
	for what, c := range map[string]struct {
		f    account.Filter
		want []account.Entry
	}{
		"all":                 {account.Filter{}, log},
		"an account":          {account.Filter{AccountIDs: []string{"ann"}}, []account.Entry{log[0], log[4]}},
		"accounts":            {account.Filter{AccountIDs: []string{"bob", ""}}, log[1:4]},
		"no account at all":   {account.Filter{AccountIDs: []string{}}, nil},
		"a run":               {account.Filter{Run: "r2"}, log[1:3]},
		"an event":            {account.Filter{Event: account.EventPasswordChanged}, log[2:3]},
		"an operator":         {account.Filter{Operator: "a.smith"}, log[1:2]},
		"since":               {account.Filter{Since: day(2)}, log[2:]},
		"until":               {account.Filter{Until: day(2)}, log[:2]},
		"the last":            {account.Filter{Last: 2}, log[3:]},
		"the last of one":     {account.Filter{AccountIDs: []string{"ann"}, Last: 1}, log[4:]},
		"all of them at once": {account.Filter{AccountIDs: []string{"bob"}, Run: "r2", Event: account.EventMailIssued, Until: day(2)}, log[1:2]},
	} {
		got, err := s.Entries(s.Context(), c.f)
		s.must(err)
		s.same(what, c.want, got)
	}
}

// sweepsAudit deletes old lines only, more than go into one transaction.
func sweepsAudit(s *suite) {
	const old = 2500
	for range old {
		s.must(s.Record(s.Context(), account.Entry{At: noon, Event: account.EventMailWithheld, AccountID: "ann"}))
	}
	kept := account.Entry{At: noon.Add(time.Second), Event: account.EventMailWithheld, AccountID: "ann"}
	s.must(s.Record(s.Context(), kept))
	s.must(s.Record(s.Context(), account.Entry{At: noon, Event: account.EventMailWithheld, AccountID: "ann"}))
	for _, want := range []int{old + 1, 0} {
		n, err := s.SweepAudit(s.Context(), kept.At.Add(week), week)
		s.must(err)
		s.same("swept", want, n)
	}
	log, err := s.Audit(s.Context(), "ann")
	s.must(err)
	s.same("what is left", []account.Entry{kept}, log)
}

// forgets a deleted account, and no other.
func forgets(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	applied := submit(s.mail(ann, "1"), "new")
	s.change(applied, ann.ID)
	ann.Credential = applied.Hash
	anns, bobs := s.mail(ann, "2"), s.mail(bob, "1")
	s.must(s.Record(s.Context(), account.Entry{At: noon, Event: account.EventMailWithheld, Detail: "ambiguous"}))
	bobLog, err := s.Audit(s.Context(), bob.ID)
	s.must(err)

	by := account.Entry{At: noon.Add(time.Hour), Operator: "a.smith"}
	_, err = s.Forget(s.Context(), ann.ID, by)
	s.fails("an account that is there", err, account.ErrAccountThere)
	s.same("lines of it", 2, s.count(ann.ID, account.EventMailIssued))
	if _, err := s.Forget(s.Context(), "", by); err == nil {
		s.Errorf("the lines without an account were forgotten")
	}

	s.must(s.Delete(s.Context(), ann.ID))
	for _, want := range []account.Forgotten{{Tokens: 1, Mails: 2, Submissions: 1, Entries: 3}, {}} {
		got, err := s.Forget(s.Context(), ann.ID, by)
		s.must(err)
		s.same("forgotten", want, got)
	}
	s.owesNothing(applied)
	s.audited(ann.ID)
	s.same("lines of the account", 0, s.count(ann.ID, account.EventMailIssued))
	line := account.Entry{At: by.At, Event: account.EventForgotten, Operator: by.Operator}
	s.audited("", account.Entry{At: noon, Event: account.EventMailWithheld, Detail: "ambiguous"}, line, line)
	s.audited(bob.ID, bobLog...)
	s.must(s.Put(s.Context(), ann))
	s.refuse("a forgotten token", submit(anns, "newer"), account.ErrTokenUnknown)
	s.refuse("a forgotten submission", applied, account.ErrTokenUnknown)
	s.change(submit(bobs, "new"), bob.ID)
	s.must(s.issue(token(ann, "3"), 1))
}

// forgetsInvited forgets an invitation that was used and another one, with the first password.
func forgetsInvited(s *suite) {
	a := s.invited("ann", "")
	c := accept(s.invite(a, "1"), "new")
	s.change(c, a.ID)
	again := a
	again.Credential = ""
	s.must(s.Put(s.Context(), again))
	open := s.invite(again, "2")
	s.must(s.Delete(s.Context(), a.ID))
	got, err := s.Forget(s.Context(), a.ID, account.Entry{At: noon.Add(time.Hour), Operator: "a.smith"})
	s.must(err)
	s.same("forgotten", account.Forgotten{Tokens: 1, Mails: 2, Submissions: 1, Entries: 3}, got)
	s.owesNothing(c)
	s.must(s.Put(s.Context(), again))
	s.refuse("a forgotten invitation", accept(open, "newer"), account.ErrTokenUnknown)
}

// owesNothing checks that no notice of a change is owed or can be sent.
func (s *suite) owesNothing(c account.Change) {
	s.Helper()
	s.noNotice("a forgotten change", c.Run, c.Submission)
	_, err := s.Tell(s.Context(), c.Submission, account.TellGivenUp, "", c.At.Add(time.Hour))
	s.fails("what became of a forgotten notice", err, account.ErrNotFound)
	owed, err := s.Owed(s.Context(), c.At.Add(week), 10)
	s.must(err)
	s.same("notices that are owed", 0, len(owed))
}
