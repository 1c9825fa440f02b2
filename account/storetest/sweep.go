package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// week is how far apart old and new are in the sweeps.
const week = 7 * 24 * time.Hour

// security 43: entries are kept as they were given, with and without an account.
func records(s *suite) {
	entries := []account.Entry{
		{At: noon, Event: account.EventMailWithheld, Run: "r", AccountID: "ann", Client: "2001:db8::1", Detail: "disabled"},
		{At: noon.Add(time.Second), Event: "of the host", AccountID: "ann"},
		{At: noon.Add(time.Minute), Event: account.EventResetCanceled, Run: "r", AccountID: "ann", Client: "192.0.2.9", Detail: "by the owner"},
		{At: noon.Add(time.Hour), Event: account.EventResetCanceled, Run: "r", AccountID: "ann", Operator: "a.smith", Detail: "by an operator"},
		{At: noon, Event: account.EventMailWithheld, Run: "r", Detail: "no account"},
	}
	for _, e := range entries {
		s.must(s.Record(s.Context(), e))
	}
	for id, want := range map[string][]account.Entry{"ann": entries[:4], "": entries[4:], "bob": nil} {
		log, err := s.Audit(s.Context(), id)
		s.must(err)
		s.same("the audit log of "+id, want, log)
	}
}

// later is a token like another one, a week after it.
func later(a account.Account, mail string) account.TokenRecord {
	t := token(a, mail)
	t.Issued, t.Expires = t.Issued.Add(week), t.Expires.Add(week)
	return t
}

// sweep deletes records from before the later tokens, and checks their number.
func (s *suite) sweep(want int) {
	s.Helper()
	for _, want := range []int{want, 0} {
		n, err := s.Sweep(s.Context(), noon.Add(week))
		s.must(err)
		s.same("swept", want, n)
	}
}

func sweepsTokens(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	old, fresh, bobs := s.mail(ann, "1"), later(ann, "1"), later(bob, "1")
	fresh.Key[0] ^= 1
	bobs.Issued = bobs.Issued.Add(-10 * time.Minute)
	s.must(s.issue(fresh, plenty))
	s.must(s.issue(bobs, plenty))
	log, err := s.Audit(s.Context(), ann.ID)
	s.must(err)

	s.sweep(3) // the old token, the mail of both of ann's, and bob's mail, whose token lives
	s.refuse("a swept token", submit(old, "new"), account.ErrTokenUnknown)
	s.change(submit(bobs, "new"), bob.ID)
	s.audited(ann.ID, log...)
	s.change(submit(fresh, "new"), ann.ID)
}

func sweepsSubmissions(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	old := submit(s.mail(ann, "1"), "new")
	s.change(old, ann.ID)
	s.tell(old, account.TellGivenUp, "")
	t := later(bob, "1")
	s.must(s.issue(t, plenty))
	fresh := submit(t, "new")
	s.change(fresh, bob.ID)

	s.sweep(2) // the submission and the mail; the token went with the change
	s.refuse("a swept submission", old, account.ErrTokenUnknown)
	s.change(fresh, bob.ID)
}

func sweepsMails(s *suite) {
	ann := s.signUp("ann")
	for _, t := range []account.TokenRecord{token(ann, "1"), token(ann, "2"), later(ann, "3")} {
		s.must(s.issue(t, 2))
		s.must(s.RevokeToken(s.Context(), t.Key, noon))
	}
	s.sweep(2)
	s.must(s.issue(later(ann, "4"), 2))
	s.fails("a mail more", s.issue(later(ann, "5"), 2), account.ErrMailLimit)
}

// An operation whose context has ended is not done.
func heedsContext(s *suite) {
	ann := s.signUp("ann")
	t := s.mail(ann, "1")
	over, cancel := context.WithCancel(s.Context())
	cancel()
	_, find := s.Find(over, ann.Address)
	_, read := s.Account(over, ann.ID)
	_, change := s.ChangePassword(over, submit(t, "new"))
	_, issue := s.IssueToken(over, token(ann, "2"), plenty)
	_, sweep := s.Sweep(over, noon.Add(week))
	_, notice := s.Notice(over, t.Run, "")
	_, tell := s.Tell(over, "submission", account.TellGivenUp, "", noon)
	_, owed := s.Owed(over, noon, 1)
	_, end := s.End(over, t.Run, noon)
	_, sweepAudit := s.SweepAudit(over, noon.Add(week), time.Hour)
	_, entries := s.Entries(over, account.Filter{})
	_, forget := s.Forget(over, "bob", account.Entry{At: noon})
	list := context.Canceled
	if l, ok := s.Harness.(account.Lister); ok {
		if _, err := l.Accounts(over, "", 1); !errors.Is(err, account.ErrNotListed) {
			list = err
		}
	}
	for what, err := range map[string]error{
		"find": find, "account": read, "change": change, "sweep": sweep,
		"sweep of the audit log": sweepAudit, "audit log": entries, "forget": forget,
		"block": s.Block(over, blockOf(ann, "forced")), "list": list,
		"issue":  issue,
		"notice": notice, "tell": tell, "owed": owed, "end": end,
		"revoke": s.RevokeToken(over, t.Key, noon),
		"record": s.Record(over, account.Entry{At: noon, AccountID: ann.ID}),
	} {
		s.fails(what, err, context.Canceled)
	}
	s.is(ann)
	s.same("entries", 1, s.count(ann.ID, account.EventMailIssued))
	s.change(submit(t, "new"), ann.ID)
}
