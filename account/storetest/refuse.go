package storetest

import (
	"fmt"

	"github.com/rekeyhq/rekey/account"
)

// refusal is an action of the host application between the mail and the change.
type refusal struct {
	id     string
	change func(*account.Account) // nil deletes the account
	want   error
}

func refusals() []refusal {
	return []refusal{
		{"gone", nil, account.ErrAccountGone},
		{"disabled", func(a *account.Account) { a.Disabled = true }, account.ErrNotResettable},
		{"unresettable", func(a *account.Account) { a.Resettable = false }, account.ErrNotResettable},
		{"moved", func(a *account.Account) { a.Address = "new@example.com" }, account.ErrAddressChanged},
		{"rekeyed", func(a *account.Account) { a.Credential = "$argon2id$own" }, account.ErrCredentialChanged},
		{"passwordless", func(a *account.Account) { a.Credential = "" }, account.ErrNotResettable},
		{"locked", func(a *account.Account) { a.Credential = "!" + a.Credential }, account.ErrNotResettable},
	}
}

// security 10, 30: a change by the owner since the mail refuses even an accepted submission.
// The refusal is audited (security 43), and stays the answer when the change is retried.
func refuses(s *suite) {
	for _, r := range refusals() {
		a := s.signUp(r.id)
		c := submit(s.mail(a, "1"), "new")
		a = s.acts(r, a)
		s.refused(r, c)
		s.refused(r, c)
		s.same(r.id+": refusals in the audit log", 2, s.count(r.id, account.EventChangeRefused))
		if r.change != nil {
			s.is(a)
		}
	}
	for _, none := range noPasswords() {
		s.refusesWithoutPassword(none)
	}
}

// otherForms are stored hashes of applications whose sign-in reads no hash of the suite.
func otherForms() []string {
	return []string{
		"pbkdf2_sha256$600000$c2FsdA$aGFzaA", "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA", // Django
		"$2y$12$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq",         // Laravel
		"c3f1a8b39d2b1c4e:5f4dcc3b5aa765d61d8327deb882cf99",                    // better-auth
		"pbkdf2:sha256:600000$c2FsdA$aGFzaA", "scrypt:32768:8:1$c2FsdA$aGFzaA", // Werkzeug
		"$wp$2y$10$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq",      // WordPress
		"{bcrypt}$2a$10$iBVNEnA2FvMVCmpqVPSDgeTTnUiMaoaJcvXaWQDpmvTGcBYEfaTOq", // Spring
		"{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=16384,t=2,p=1$c2FsdA$aGFzaA",
		"AQAAAAEAACcQAAAAEBmHYmRjWg", // ASP.NET Core Identity
		"$argon2i$v=19$m=65536,t=4,p=1$c2FsdA$aGFzaA",
	}
}

// A hash that the account's sign-in may not read does not replace one that it
// reads, unless the host says that it does.
func keepsForms(s *suite) {
	for i, credential := range otherForms() {
		a := s.signUp(fmt.Sprintf("other%d", i))
		a.Credential = credential
		s.must(s.Put(s.Context(), a))
		c := submit(s.mail(a, "1"), "new")
		s.refused(refusal{id: a.ID, want: account.ErrHashForm}, c)
		s.is(a)
		c.Upgrade = true
		s.change(c, a.ID)
		a.Credential = c.Hash
		s.is(a)
	}
	ann := s.signUp("ann")
	ann.Credential = "$2y$12$old"
	s.must(s.Put(s.Context(), ann))
	t := s.mail(ann, "1")
	letter, same := submit(t, "letter"), submit(t, "same")
	letter.Hash, same.Hash = "$2a$12$new", "$2y$12$new"
	s.refuse("another letter of bcrypt", letter, account.ErrHashForm)
	s.change(same, ann.ID)
}

// noPasswords are the credentials of accounts that have no password.
func noPasswords() []string { return []string{"", "!r4nd0m", "*LK*"} }

// acts lets the host application act on an account, and returns it as it is then.
func (s *suite) acts(r refusal, a account.Account) account.Account {
	s.Helper()
	if r.change == nil {
		s.must(s.Delete(s.Context(), a.ID))
		return a
	}
	r.change(&a)
	s.must(s.Put(s.Context(), a))
	return a
}

func (s *suite) refused(r refusal, c account.Change) {
	s.Helper()
	owner, err := s.ChangePassword(s.Context(), c)
	s.fails(r.id, err, r.want)
	s.same(r.id+": account", "", owner)
	s.audited(r.id, account.Entry{
		At: c.At, Event: account.EventChangeRefused, Run: c.Run, AccountID: r.id, Client: c.Client,
		Detail: fmt.Sprint(err),
	})
}

// refusesWithoutPassword: an account that had no password at issue has the same
// credential still, and yet gets none.
func (s *suite) refusesWithoutPassword(none string) {
	s.Helper()
	a := s.signUp("sso")
	a.Credential = none
	s.must(s.Put(s.Context(), a))
	s.refuse(fmt.Sprintf("no password of its own, but %q", none), submit(s.mail(a, "1"), "new"), account.ErrNotResettable)
	s.is(a)
}

// Another spelling of an address is no other address.
func comparesAddresses(s *suite) {
	ann := s.signUp("ann")
	t := s.mail(ann, "1")
	ann.Address = "Ann@EXAMPLE.com"
	s.must(s.Put(s.Context(), ann))
	s.change(submit(t, "new"), ann.ID)
}

// security 18, 32: a sign-in whose password was verified before the change, and whose
// session is made after it, holds nothing.
func holdsNoStaleSession(s *suite) {
	ann := s.signUp("ann")
	s.change(submit(s.mail(ann, "1"), "new"), ann.ID)
	if sid, err := s.NewSession(s.Context(), ann.ID, ann.Credential); err == nil {
		s.signedIn("a session under the old password", sid, false)
	}
}
