package storetest

import (
	"fmt"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// changed is an account whose password was changed.
func (s *suite) changed(id string) (account.Account, account.Change) {
	s.Helper()
	a := s.signUp(id)
	c := submit(s.mail(a, "1"), "new")
	s.change(c, id)
	a.Credential = c.Hash
	return a, c
}

// tell notes the outcome of a mail of a notice.
func (s *suite) tell(c account.Change, what account.Telling, address string) account.Notice {
	s.Helper()
	n, err := s.Tell(s.Context(), c.Submission, what, address, c.At.Add(time.Minute))
	s.must(err)
	return n
}

// owes checks the debt of a change.
func (s *suite) owes(what string, c account.Change, id string, want account.Debt) {
	s.Helper()
	for _, submission := range []string{c.Submission, ""} {
		got, err := s.Notice(s.Context(), c.Run, submission)
		s.must(err)
		s.same(what, account.Notice{Submission: c.Submission, Run: c.Run, AccountID: id, Changed: c.At, Debt: want}, got)
	}
}

// The notice is in the language of the account, and else of the request. It stays so: the run that
// follows one which ended from outside mails it too.
func owesInALanguage(s *suite) {
	for id, tc := range map[string]struct{ account, request, want string }{
		"ann": {"de", "fr", "de"}, "bob": {"", "fr", "fr"}, "cem": {"", "", ""}, "eve": {"", "<b>fr</b>", ""},
	} {
		if s.hasNoLocale() {
			tc.account, tc.want = "", account.ParseLocale(tc.request)
		}
		a := s.signUp(id)
		a.Locale = tc.account
		s.must(s.Put(s.Context(), a))
		c := submit(s.mail(a, "1"), "new")
		c.Locale = tc.request
		s.change(c, id)
		for _, what := range []account.Telling{account.TellBegun, account.TellUnclear} {
			n := s.tell(c, what, a.Address)
			s.same("the language of the notice to "+id, tc.want, n.Locale)
		}
		ended, err := s.End(s.Context(), c.Run, c.At.Add(time.Minute))
		s.must(err)
		s.same("the language after the end, for "+id, tc.want, ended.Locale)
	}
}

func (s *suite) noNotice(what, run, submission string) {
	s.Helper()
	_, err := s.Notice(s.Context(), run, submission)
	s.fails(what, err, account.ErrNotFound)
}

// security 18: the change owes a notice to every address that the account has then. A thief who
// changes the account removes none of them.
func owesEveryAddress(s *suite) {
	ann := s.signUp("ann")
	c := submit(s.mail(ann, "1"), "new")
	s.noNotice("a run that changed nothing", c.Run, "")
	ann.Notify = []string{"desk@example.com"}
	s.must(s.Put(s.Context(), ann))
	s.change(c, ann.ID)
	ann.Credential = c.Hash
	all := account.Debt{Left: []account.Recipient{{Address: ann.Address}, {Address: "desk@example.com"}}}
	s.owes("after the change", c, ann.ID, all)
	s.noNotice("another run's", "another run", c.Submission)
	s.noNotice("another submission", c.Run, "another")

	ann.Address, ann.Notify = "mallory@example.com", nil
	s.must(s.Put(s.Context(), ann))
	s.owes("when the account has other addresses", c, ann.ID, all)
	s.must(s.Delete(s.Context(), ann.ID))
	s.owes("when the account is gone", c, ann.ID, all)

	all = s.tell(c, account.TellBegun, "desk@example.com").Debt
	s.change(c, ann.ID)
	s.owes("when the change is repeated", c, ann.ID, all)
}

// security 18: the outcome of a mail is kept, and the run's newest change is the one meant.
func notesWhoIsTold(s *suite) {
	ann, c := s.changed("ann")
	const office = "office@example.com"
	at, want := c.At.Add(time.Minute), account.NewDebt(ann, c)
	for _, step := range []struct {
		what account.Telling
		to   string
	}{
		{account.TellBegun, ann.Address},
		{account.TellNotSent, ann.Address},
		{account.TellBegun, office},
		{account.TellUnclear, office},
		{account.TellDone, "mallory@example.com"},
		{account.TellDone, ann.Address},
		{account.TellDone, office},
	} {
		want = want.After(step.what, step.to, at)
		s.same("the debt", want, s.tell(c, step.what, step.to).Debt)
		s.owes(fmt.Sprintf("after %s", step.what), c, ann.ID, want)
	}
	_, err := s.Tell(s.Context(), "another", account.TellDone, office, at)
	s.fails("of no submission", err, account.ErrNotFound)

	t := token(ann, "2")
	t.Issued = noon.Add(time.Hour)
	s.must(s.issue(t, plenty))
	again := submit(t, "newer")
	s.change(again, ann.ID)
	s.owes("the run's next change", again, ann.ID, account.NewDebt(ann, again))
	s.same("what the end returns", again.Submission, s.end(c.Run, nil).Submission)
}

// security 18, 43: a notice that reached no address is in the audit log, once.
func givesUp(s *suite) {
	_, c := s.changed("ann")
	given := account.Entry{
		At: c.At.Add(time.Minute), Event: account.EventNoticeFailed, Run: c.Run, AccountID: "ann",
		Detail: "no address was notified of the password change",
	}
	for range 2 {
		s.same("the notice is over, and nobody was told", true, s.tell(c, account.TellGivenUp, "").Untold())
	}
	s.audited("ann", given)
	s.same("entries", 1, s.count("ann", account.EventNoticeFailed))

	bob, c := s.changed("bob")
	s.tell(c, account.TellDone, bob.Address)
	s.same("the notice is over, and somebody was told", false, s.tell(c, account.TellGivenUp, "").Untold())
	given.Run, given.AccountID, given.Detail = c.Run, "bob", "1 of 2 addresses were not notified of the password change"
	s.audited("bob", given)

	cy, c := s.changed("cy")
	s.tell(c, account.TellDone, cy.Address)
	s.tell(c, account.TellDone, "office@example.com")
	s.tell(c, account.TellGivenUp, "")
	s.same("entries about who was told", 0, s.count("cy", account.EventNoticeFailed))
}

func (s *suite) owed(before time.Time, most int) (accounts []string) {
	s.Helper()
	found, err := s.Owed(s.Context(), before, most)
	s.must(err)
	for _, n := range found {
		accounts = append(accounts, n.AccountID)
	}
	return accounts
}

func listsWhatIsOwed(s *suite) {
	ann, c := s.changed("ann")
	s.same("of before the change", 0, len(s.owed(c.At, plenty)))
	found, err := s.Owed(s.Context(), c.At.Add(time.Second), plenty)
	s.must(err)
	s.same("of after it", []account.Notice{{
		Submission: c.Submission, Run: c.Run, AccountID: ann.ID, Changed: c.At, Debt: account.NewDebt(ann, c),
	}}, found)
	s.changed("bob")
	seen := map[string]bool{}
	for range 64 { // both of them, but for one chance in 2^63
		one := s.owed(noon.Add(week), 1)
		s.same("at most one", 1, len(one))
		seen[one[0]] = true
	}
	s.same("seen", map[string]bool{"ann": true, "bob": true}, seen)
	s.tell(c, account.TellGivenUp, "")
	s.same("what is not settled", []string{"bob"}, s.owed(noon.Add(week), plenty))
}

// security 18: an owed notice is not swept before it is settled.
func keepsWhatIsOwed(s *suite) {
	ann, c := s.changed("ann")
	s.sweep(1) // the mail
	s.owes("after a sweep", c, ann.ID, account.NewDebt(ann, c))
	s.tell(c, account.TellDone, ann.Address)
	s.tell(c, account.TellDone, "office@example.com")
	s.sweep(1)
	s.noNotice("what was swept", c.Run, c.Submission)
}

// Two workers that notify two addresses of one account lose nothing of it.
func racesTelling(s *suite) {
	s.inRounds(func(a account.Account) {
		c := submit(s.mail(a, "1"), "new")
		s.change(c, a.ID)
		to := []string{a.Address, "office@example.com"}
		for _, err := range race(func(i int) error {
			_, err := s.Tell(s.Context(), c.Submission, account.TellDone, to[i%2], c.At)
			return err
		}) {
			s.must(err)
		}
		s.owes("after the race", c, a.ID, account.Debt{Told: 2})
	})
}
