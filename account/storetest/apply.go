package storetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/rekeyhq/rekey/account"
)

// own is the scope of a flow that changes no password.
const own = "verify-email"

// ownMail issues a token of that scope, and returns it with a submission.
func (s *pairSuite) ownMail(a account.Account, mail string) (account.TokenRecord, account.Change) {
	s.Helper()
	t := token(a, mail)
	t.Scope = own
	s.must(s.issue(t, plenty))
	c := submit(t, "")
	c.Scope, c.Hash = own, ""
	return t, c
}

// security 4, 10: a token of a flow's own scope changes no password, and none of a password is of
// that flow. Noting its use leaves the links of other scopes alone, and owes no notice.
func usesOwnTokens(s *pairSuite) {
	ann := s.signUp("ann")
	t, c := s.ownMail(ann, "own")
	_, other := s.ownMail(ann, "other")
	reset := s.mail(ann, "reset")
	swapped, withHash, bare := submit(reset, "new"), c, c
	swapped.Scope, withHash.Hash, bare.Scope = own, "$argon2id$new", ""
	s.unknown(swapped, bare)
	s.refuse("a change of the password", withHash, account.ErrTokenUnknown)
	s.is(ann)
	s.begun(t.Run)
	s.begin(t, c)
	s.unknown(bare)
	for range 2 {
		s.must(s.ledger.Finish(s.Context(), c, ann))
		_, applied, err := s.ledger.Begin(s.Context(), c)
		s.must(err)
		s.same("applied", true, applied)
	}
	s.begun(t.Run)
	s.same("uses in the audit log", 1, s.count(ann.ID, account.EventApplied))
	s.audited(ann.ID, c.Entry(ann.ID, account.EventApplied, own))
	n, err := s.Notice(s.Context(), c.Run, c.Submission)
	s.must(err)
	s.same("the notice", account.Notice{Submission: c.Submission, Run: c.Run, AccountID: ann.ID, Changed: c.At}, n)
	s.owed(c.At.Add(week))
	s.unknown(other)
	s.begin(reset, submit(reset, "new"))
	s.is(ann)
}

// An account shows nothing of a use that was lost, so the look for lost changes leaves it alone.
func leavesLostUses(s *pairSuite) {
	none := account.Account{ID: "none", Address: "none@example.com", Resettable: true}
	s.must(s.host.Put(s.Context(), none))
	t, c := s.ownMail(none, "1")
	kept := s.begin(t, c)
	s.owed(c.At.Add(week))
	s.begun(t.Run, kept)
	s.same("uses in the audit log", 0, s.count(none.ID, account.EventApplied))
}

// security 23: a use whose call was lost is repeated with the same submission, and noted once.
func repeatsUses(s *pairSuite) {
	for _, call := range []string{"begin", "account", "do", "finish"} {
		for _, answer := range []bool{false, true} {
			a := s.signUp(fmt.Sprintf("%s-%v", call, answer))
			_, c := s.ownMail(a, "1")
			l, done := &lossy{s.host, s.ledger, call, answer}, map[string]int{}
			do := func(_ context.Context, owner account.Account) error {
				return l.call("do", func() error { done[owner.ID]++; return nil })
			}
			_, err := account.Apply(s.Context(), account.Beside(l, l).(account.Using), c, do)
			s.fails(a.ID, err, errLost)
			l.at = ""
			for range 2 {
				id, err := account.Apply(s.Context(), account.Beside(l, l).(account.Using), c, do)
				s.must(err)
				s.same("the account", a.ID, id)
			}
			twice := call == "finish" && !answer || call == "do" && answer
			s.same(a.ID+": done", map[bool]int{false: 1, true: 2}[twice], done[a.ID])
			s.same(a.ID+": noted", 1, s.count(a.ID, account.EventApplied))
		}
	}
}

// security 10: a use is refused when the account changed since the mail, when the application does
// not allow it, and when it comes after the end or too late.
func refusesUses(s *pairSuite) {
	using, errBusy := s.Harness.(*pair).Store.(account.Using), errors.New("busy")
	apply := func(c account.Change, failed error) error {
		called := false
		id, err := account.Apply(s.Context(), using, c, func(context.Context, account.Account) error { called = true; return failed })
		s.same("the account", "", id)
		s.same("called", failed != nil, called)
		return err
	}
	for _, r := range []refusal{
		{"moved", func(a *account.Account) { a.Address = "other@example.com" }, account.ErrAddressChanged},
		{"closed", func(a *account.Account) { a.Disabled = true }, account.ErrNotResettable},
		{"gone", nil, account.ErrAccountGone},
	} {
		a := s.signUp(r.id)
		_, c := s.ownMail(a, "1")
		s.acts(r, a)
		err := apply(c, nil)
		s.fails(r.id, err, r.want)
		s.audited(a.ID, c.Entry(a.ID, account.EventChangeRefused, fmt.Sprint(err)))
	}
	ann := s.signUp("ann")
	t, c := s.ownMail(ann, "1")
	s.fails("busy", apply(c, errBusy), errBusy)
	late := c
	late.Record = account.RecordKey{}
	s.fails("too late", apply(late, nil), account.ErrTokenUnknown)
	s.fails("veto", apply(c, account.Veto("no")), account.ErrVeto)
	s.audited(ann.ID, c.Entry(ann.ID, account.EventChangeRefused, account.Veto("no").Error()))
	s.end(t.Run, account.ErrNotFound)
	s.fails("after the end", apply(c, nil), account.ErrTokenUnknown)
}
