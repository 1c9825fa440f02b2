package storetest

import (
	"fmt"
	"strconv"

	"github.com/rekeyhq/rekey/account"
)

// invited makes an account without a password, and the token of its invitation.
func (s *suite) invited(id, none string) (account.Account, account.TokenRecord) {
	s.Helper()
	a := s.signUp(id)
	a.Credential = none
	s.must(s.Put(s.Context(), a))
	t := token(a, "invitation")
	t.Scope = account.ScopeFirstPassword
	s.must(s.issue(t, plenty))
	return a, t
}

// first is the submission of a first password.
func first(t account.TokenRecord, password string) account.Change {
	c := submit(t, password)
	c.Scope = account.ScopeFirstPassword
	return c
}

// security 30, 49: an invitation gives an account its first password, once.
func setsFirstPasswords(s *suite) {
	for i, none := range noPasswords() {
		a, t := s.invited("guest"+strconv.Itoa(i), none)
		s.refuse("the token of an invitation in a reset", submit(t, "new"), account.ErrTokenUnknown)
		c := first(t, "new")
		s.change(c, a.ID)
		s.change(c, a.ID)
		s.audited(a.ID, account.Entry{
			At: c.At, Event: account.EventPasswordSet, Run: c.Run, AccountID: a.ID, Client: c.Client,
		})
		a.Credential = c.Hash
		s.is(a)
		n, err := s.Notice(s.Context(), c.Run, c.Submission)
		s.must(err)
		s.same(fmt.Sprintf("%q: the notice is of a first password", none), true, n.First)
		s.same("first passwords in the audit log", 1, s.count(a.ID, account.EventPasswordSet))
	}
	ann := s.signUp("ann")
	c := submit(s.mail(ann, "1"), "new")
	s.change(c, ann.ID)
	n, err := s.Notice(s.Context(), c.Run, c.Submission)
	s.must(err)
	s.same("the notice of a change is of a first password", false, n.First)
}

// security 49: an invitation replaces no password, and a reset's token is none of an invitation.
func refusesFirstPasswords(s *suite) {
	ann := s.signUp("ann")
	s.refuse("the token of a reset in an invitation", first(s.mail(ann, "1"), "new"), account.ErrTokenUnknown)
	t := token(ann, "invitation")
	t.Scope = account.ScopeFirstPassword
	s.must(s.issue(t, plenty))
	s.refuse("an account with a password", first(t, "new"), account.ErrHasPassword)
	s.is(ann)
	for _, r := range []refusal{
		{"got", func(a *account.Account) { a.Credential = "$argon2id$own" }, account.ErrHasPassword},
		{"disabled", func(a *account.Account) { a.Disabled = true }, account.ErrNotResettable},
		{"sso", func(a *account.Account) { a.Resettable = false }, account.ErrNotResettable},
		{"moved", func(a *account.Account) { a.Address = "new@example.com" }, account.ErrAddressChanged},
	} {
		a, t := s.invited(r.id, "")
		r.change(&a)
		s.must(s.Put(s.Context(), a))
		s.refused(r, first(t, "new"))
		s.is(a)
	}
}
