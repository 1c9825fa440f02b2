package storetest

import (
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// invited puts an account into the store that has no password, but this mark in its place.
func (s *suite) invited(id, none string) account.Account {
	s.Helper()
	a := s.signUp(id)
	a.Credential = none
	s.must(s.Put(s.Context(), a))
	return a
}

// invite issues a token for a first password.
func (s *suite) invite(a account.Account, mail string) account.TokenRecord {
	s.Helper()
	t := token(a, mail)
	t.Scope = account.ScopeFirstPassword
	s.must(s.issue(t, plenty))
	return t
}

// accept makes the change that a first password entered behind a link leads to.
func accept(t account.TokenRecord, password string) account.Change {
	c := submit(t, password)
	c.Scope = account.ScopeFirstPassword
	return c
}

// verified checks whether the address of an account is marked, where the application keeps that.
func (s *suite) verified(id string, want bool) {
	s.Helper()
	var app any = s.Harness
	if p, ok := app.(*pair); ok {
		app = p.App
	}
	if v, ok := app.(Verifier); ok {
		is, err := v.Verified(s.Context(), id)
		s.must(err)
		s.same("the address of "+id+" is verified", want, is)
	}
}

// security 18, 30, 43: a first password has the effects of a change, in the form of its hash, under
// a name of its own in audit log and notice. It verifies the address.
func setsFirst(s *suite) {
	for i, none := range noPasswords() {
		a, other := s.invited(fmt.Sprintf("new%d", i), none), s.signUp(fmt.Sprintf("other%d", i))
		used, unused := s.invite(a, "1"), s.invite(a, "2")
		mine := s.signIn(a.ID, none)
		s.verified(a.ID, false)
		c := accept(used, "new")
		for range 2 {
			s.change(c, a.ID)
		}
		s.audited(a.ID, account.Entry{At: c.At, Event: account.EventPasswordSet, Run: c.Run, AccountID: a.ID, Client: c.Client})
		s.same("first passwords in the audit log", 1, s.count(a.ID, account.EventPasswordSet))
		s.same("changes in the audit log", 0, s.count(a.ID, account.EventPasswordChanged))
		debt := account.Debt{First: true, Left: []account.Recipient{{Address: a.Address}, {Address: "office@example.com"}}}
		s.owes("after the first password", c, a.ID, debt)
		for _, n := range s.owedOf(a.ID) {
			s.same("what is owed", debt, n.Debt)
		}
		s.refuse("the account's other link", accept(unused, "newer"), account.ErrTokenUnknown)
		s.signedIn("a session from before", mine, false)
		s.verified(a.ID, true)
		s.verified(other.ID, false)
		s.is(other)
		a.Credential = c.Hash
		s.is(a)
		s.resetsLater(a, debt.After(account.TellDone, a.Address, noon), c)
	}
}

// owedOf are the notices that are owed to an account.
func (s *suite) owedOf(id string) (found []account.Notice) {
	s.Helper()
	all, err := s.Owed(s.Context(), noon.Add(week), plenty)
	s.must(err)
	for _, n := range all {
		if n.AccountID == id {
			found = append(found, n)
		}
	}
	s.same("notices of "+id, 1, len(found))
	return found
}

// resetsLater: a reset of the new password is none, and the notice of the first one stays one.
func (s *suite) resetsLater(a account.Account, told account.Debt, first account.Change) {
	s.Helper()
	s.same("the notice of the first password", told, s.tell(first, account.TellDone, a.Address).Debt)
	t := token(a, "3")
	t.Run = "reset of " + a.ID
	s.must(s.issue(t, plenty))
	c := submit(t, "newest")
	s.change(c, a.ID)
	s.owes("after the reset", c, a.ID, account.NewDebt(a, c))
	s.same("changes in the audit log", 1, s.count(a.ID, account.EventPasswordChanged))
}

func refusalsOfFirst() []refusal {
	return []refusal{
		{"gone", nil, account.ErrAccountGone},
		{"disabled", func(a *account.Account) { a.Disabled = true }, account.ErrNotResettable},
		{"unresettable", func(a *account.Account) { a.Resettable = false }, account.ErrNotResettable},
		{"moved", func(a *account.Account) { a.Address = "new@example.com" }, account.ErrAddressChanged},
		{"set", func(a *account.Account) { a.Credential = "$argon2id$own" }, account.ErrHasPassword},
		{"locked", func(a *account.Account) { a.Credential = "!$argon2id$own" }, account.ErrNotResettable},
		{"marked", func(a *account.Account) { a.Credential = "!another" }, account.ErrCredentialChanged},
	}
}

// security 10, 30: an invitation replaces no password, that of before it neither. It opens no
// account that was closed or locked.
func refusesFirst(s *suite) {
	for _, r := range refusalsOfFirst() {
		a := s.invited(r.id, "!r4nd0m")
		c := accept(s.invite(a, "1"), "new")
		a = s.acts(r, a)
		s.refused(r, c)
		if r.change != nil {
			s.is(a)
			s.verified(a.ID, false)
		}
	}
	for id, r := range map[string]struct {
		credential string
		want       error
	}{"owner": {"$argon2id$old", account.ErrHasPassword}, "shut": {"!$argon2id$old", account.ErrNotResettable}} {
		a := s.invited(id, r.credential)
		s.refused(refusal{id: id, want: r.want}, accept(s.invite(a, "1"), "new"))
		s.is(a)
	}
}

// security 4, 30: the token of one purpose serves no other one, whatever the caller wants.
func keepsPurposes(s *suite) {
	ann, eve := s.signUp("ann"), s.invited("eve", "")
	reset, first, other := s.mail(ann, "1"), s.invite(eve, "1"), token(ann, "sign-in")
	other.Scope = "sign-in"
	s.must(s.issue(other, plenty))
	wrong := submit(other, "new")
	wrong.Scope = other.Scope
	s.refuse("a token that allows no change", wrong, account.ErrTokenUnknown)
	s.refuse("a token of a reset for a first password", accept(reset, "new"), account.ErrTokenUnknown)
	s.refuse("a token of an invitation for a reset", submit(first, "new"), account.ErrTokenUnknown)
	named := submit(first, "new")
	named.Scope = account.ScopePasswordReset
	s.refuse("a token of an invitation for a named reset", named, account.ErrTokenUnknown)
	for _, a := range []account.Account{ann, eve} {
		s.is(a)
		s.same("refusals in the audit log", 0, s.count(a.ID, account.EventChangeRefused))
	}
	c := submit(reset, "new")
	c.Scope = account.ScopePasswordReset
	s.change(c, ann.ID)
	s.verified(ann.ID, false)
	s.change(accept(first, "new"), eve.ID)
}

// security 17, 30: a host sets a first password, and marks the address when it is told to.
func setsFirstAtHost(s *pairSuite) {
	ann, bob := s.signUp("ann"), s.invited("bob", "")
	mine := s.signIn(bob.ID, "")
	c := hostChange(bob, "new")
	c.Verified = true
	for range 2 {
		s.must(s.host.Change(s.Context(), c))
	}
	bob.Credential = c.New
	s.is(bob)
	s.verified(bob.ID, true)
	s.signedIn("a session from before", mine, false)
	s.must(s.host.Change(s.Context(), hostChange(ann, "new")))
	s.verified(ann.ID, false)

	eve := s.invited("eve", "!")
	stale := hostChange(eve, "new")
	stale.Verified = true
	eve.Credential = "!another"
	s.must(s.host.Put(s.Context(), eve))
	s.fails("a stale change", s.host.Change(s.Context(), stale), account.ErrCredentialChanged)
	s.is(eve)
	s.verified(eve.ID, false)
}

// security 4, 30, 43: a ledger begins a change of the record's purpose only, and notes which it was.
func notesFirst(s *pairSuite) {
	ann, eve := s.signUp("ann"), s.invited("eve", "")
	reset, first := s.mail(ann, "1"), s.invite(eve, "1")
	c := accept(first, "new")
	swapped := c
	swapped.Scope = account.ScopePasswordReset
	other := token(ann, "sign-in")
	other.Scope = "sign-in"
	s.must(s.issue(other, plenty))
	foreign := accept(other, "new")
	s.unknown(accept(reset, "new"), submit(first, "new"), swapped, foreign, submit(other, "new"))
	s.begun(c.Run)
	s.begun(reset.Run)
	kept := s.begin(first, c)
	s.begun(c.Run, kept)
	s.unknown(submit(first, "new"), swapped)
	s.begun(c.Run, kept)
	s.must(s.ledger.Finish(s.Context(), c, eve))
	s.noted(eve, c)
}

// security 30: a link proves nothing of an address that the account has got since.
func movesBeforeFirst(s *pairSuite) {
	a := s.invited("eve", "")
	c := accept(s.invite(a, "1"), "new")
	l := &lossy{s.host, s.ledger, "change", false}
	_, err := account.Beside(l, l).ChangePassword(s.Context(), c)
	s.fails("the lost change", err, errLost)
	a.Credential, a.Address = c.Hash, "another@example.com"
	s.must(s.host.Put(s.Context(), a))
	s.change(c, a.ID)
	s.verified(a.ID, false)
	c.At = c.At.Add(time.Hour)
	s.change(c, a.ID)
	s.is(a)
}
