package storetest

import (
	"errors"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// end makes a run over that has applied a change, or none.
func (s *suite) end(run string, want error) account.Notice {
	s.Helper()
	n, err := s.End(s.Context(), run, noon.Add(time.Hour))
	if want == nil {
		s.must(err)
	} else {
		s.fails("the end of "+run, err, want)
	}
	return n
}

// ended is the line of the audit log.
func ended(id string) account.Entry {
	return account.Entry{At: noon.Add(time.Hour), Event: account.EventResetEnded, Run: "run of " + id, AccountID: id}
}

// The store answers about a run that ended from outside, with the change that it applied.
func endsAfterAChange(s *suite) {
	ann, c := s.changed("ann")
	want := s.tell(c, account.TellDone, ann.Address)
	for range 2 {
		s.same("what was applied", want, s.end(c.Run, nil))
	}
	s.same("ends of links, of which there were none", 0, s.count("ann", account.EventResetEnded))

	t := token(ann, "2")
	t.Issued = noon.Add(2 * time.Hour)
	s.must(s.issue(t, plenty))
	s.same("what was applied before the link", want, s.end(c.Run, nil))
	s.refuse("a link of after the change", submit(t, "newer"), account.ErrTokenUnknown)
	s.is(ann)
}

// security 4: after the end of a run no link of it changes a password, and other runs' do.
func endsBeforeAChange(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	first, second := s.mail(ann, "1"), s.mail(ann, "2")
	other := token(ann, "3")
	other.Run = "another run"
	s.must(s.issue(other, plenty))
	bobs, shared := s.mail(bob, "1"), token(bob, "2")
	shared.Run = first.Run
	s.must(s.issue(shared, plenty))
	for range 2 {
		s.end(first.Run, account.ErrNotFound)
	}
	s.end("no run", account.ErrNotFound)
	s.audited(ann.ID, ended(ann.ID))
	s.same("entries", 1, s.count(ann.ID, account.EventResetEnded))
	bobsEnd := ended(ann.ID)
	bobsEnd.AccountID = bob.ID
	s.audited(bob.ID, bobsEnd)
	s.refuse("another account's link of the run", submit(shared, "new"), account.ErrTokenUnknown)
	s.refuse("a link of the run", submit(first, "new"), account.ErrTokenUnknown)
	s.refuse("its other link", submit(second, "new"), account.ErrTokenUnknown)
	s.is(ann)
	s.change(submit(other, "new"), ann.ID)
	s.change(submit(bobs, "new"), bob.ID)
}

// An answer that a run changed nothing is true, also in a race with the change.
func racesEnd(s *suite) {
	s.inRounds(func(a account.Account) {
		c := submit(s.mail(a, "1"), "new")
		errs := race(func(i int) error {
			if i == 0 {
				_, err := s.ChangePassword(s.Context(), c)
				return err
			}
			_, err := s.End(s.Context(), c.Run, noon)
			return err
		})
		if errs[0] != nil {
			s.fails("the change", errs[0], account.ErrTokenUnknown)
		}
		for _, err := range errs[1:] {
			switch {
			case err == nil && errs[0] != nil:
				s.Errorf("the end tells of a change that was not made")
			case errors.Is(err, account.ErrNotFound) && errs[0] == nil:
				s.Errorf("the end does not tell of a change that was made")
			case err != nil:
				s.fails("the end", err, account.ErrNotFound)
			}
		}
	})
}
