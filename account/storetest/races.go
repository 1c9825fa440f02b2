package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/rekeyhq/rekey/account"
)

const (
	racers = 8 // how many do something at once
	rounds = 5 // how often, each time with another account
)

// race runs f for each racer at once and returns their errors.
func race(f func(i int) error) []error {
	errs, start := make([]error, racers), make(chan struct{})
	var all sync.WaitGroup
	for i := range racers {
		all.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// inRounds signs up an account for each round.
func (s *suite) inRounds(f func(a account.Account)) {
	for i := range rounds {
		f(s.signUp(fmt.Sprintf("racer-%d", i)))
	}
}

// oneWins returns which racer succeeded, which must be one; the others must have
// failed with one of the errors.
func (s *suite) oneWins(errs []error, want ...error) int {
	s.Helper()
	winner, winners := 0, 0
	for i, err := range errs {
		if err == nil {
			winner = i
			winners++
			continue
		}
		if !errors.Is(err, want[0]) && !errors.Is(err, want[len(want)-1]) {
			s.Errorf("racer %d: %v, want one of %v", i, err, want)
		}
	}
	if winners != 1 {
		s.Fatalf("%d of %d won, want one: %v", winners, racers, errs)
	}
	return winner
}

// changedOnce says that an account has a credential by one change.
func (s *suite) changedOnce(a account.Account, hash string) {
	s.Helper()
	a.Credential = hash
	s.is(a)
	s.same("changes in the audit log", 1, s.count(a.ID, account.EventPasswordChanged))
}

// security 23: a change that runs twice at the same time, on two workers, is one.
func racesOneSubmission(s *suite) {
	s.inRounds(func(a account.Account) {
		c := submit(s.mail(a, "1"), "new")
		for _, err := range race(func(int) error {
			owner, err := s.ChangePassword(s.Context(), c)
			if err == nil && owner != a.ID {
				err = errors.New("success without the account")
			}
			return err
		}) {
			s.must(err)
		}
		s.changedOnce(a, c.Hash)
	})
}

// security 5: of many submissions to one link, one wins.
func racesOneToken(s *suite) {
	s.inRounds(func(a account.Account) {
		t, changes := s.mail(a, "1"), [racers]account.Change{}
		winner := s.oneWins(race(func(i int) error {
			changes[i] = submit(t, fmt.Sprintf("new-%d", i))
			_, err := s.ChangePassword(s.Context(), changes[i])
			return err
		}), account.ErrTokenUnknown)
		s.changedOnce(a, changes[winner].Hash)
	})
}

// security 5, 10: of many links of one account, also of different runs, one wins.
func racesOneAccount(s *suite) {
	s.inRounds(func(a account.Account) {
		var changes [racers]account.Change
		for i := range changes {
			t := token(a, strconv.Itoa(i))
			t.Run = fmt.Sprintf("%s/%d", t.Run, i/2)
			s.must(s.issue(t, plenty))
			changes[i] = submit(t, fmt.Sprintf("new-%d", i))
		}
		winner := s.oneWins(race(func(i int) error {
			_, err := s.ChangePassword(s.Context(), changes[i])
			return err
		}), account.ErrTokenUnknown, account.ErrRefused)
		s.changedOnce(a, changes[winner].Hash)
	})
}

// security 32: a sign-in that races the change holds no session after it.
func racesSignIn(s *suite) {
	s.inRounds(func(a account.Account) {
		c, sids := submit(s.mail(a, "1"), "new"), [racers]string{}
		s.must(race(func(i int) (err error) {
			if i == 0 {
				_, err = s.ChangePassword(s.Context(), c)
				return err
			}
			sids[i], _ = s.NewSession(s.Context(), a.ID, a.Credential) // may be refused
			return nil
		})[0])
		for _, sid := range sids[1:] {
			s.signedIn("a session under the old password", sid, false)
		}
	})
}

// security 10: a link that is issued while another one is used is dead on arrival.
func racesIssue(s *suite) {
	s.inRounds(func(a account.Account) {
		c := submit(s.mail(a, "0"), "new")
		for _, err := range race(func(i int) (err error) {
			if i == 0 {
				_, err = s.ChangePassword(s.Context(), c)
				return err
			}
			return s.issue(token(a, strconv.Itoa(i)), plenty)
		}) {
			s.must(err)
		}
		for i := range racers {
			if _, err := s.ChangePassword(s.Context(), submit(token(a, strconv.Itoa(i)), "newer")); err == nil {
				s.Errorf("link %d changed the password again", i)
			}
		}
		s.changedOnce(a, c.Hash)
	})
}
