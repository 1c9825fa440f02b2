package storetest

import (
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// attempt is another try of the same mail, which has another token.
func attempt(t account.Token) account.Token {
	t.Key = sha256.Sum256(t.Key[:])
	t.Issued, t.Expires = t.Issued.Add(time.Minute), t.Expires.Add(time.Minute)
	return t
}

// security 25: the limit is per account and counts mails, not attempts; it kills no
// link that is out.
func limitsMails(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	first, second, third := token(ann, "1"), token(ann, "2"), token(ann, "3")
	for _, t := range []account.Token{first, second, attempt(second), attempt(first), token(bob, "1")} {
		s.must(s.IssueToken(s.Context(), t, 2))
	}
	s.fails("the third mail", s.IssueToken(s.Context(), third, 2), account.ErrMailLimit)
	s.same("mails in the audit log", 4, s.count(ann.ID, account.EventMailIssued))
	s.refuse("a token beyond the limit", submit(third, "new"), account.ErrTokenUnknown)
	s.must(s.IssueToken(s.Context(), third, 3))
	s.change(submit(first, "new"), ann.ID)
}

func limitsMailsPerDay(s *suite) {
	ann := s.signUp("ann")
	at := func(mail string, after time.Duration) error {
		t := token(ann, mail)
		t.Issued = noon.Add(after)
		return s.IssueToken(s.Context(), t, 1)
	}
	s.must(at("1", 500*time.Millisecond))
	s.fails("a second mail on the day", at("2", 24*time.Hour), account.ErrMailLimit)
	s.must(at("3", 24*time.Hour+time.Second))
}

// security 43: with run, account, time, client address and operator.
func auditsMails(s *suite) {
	ann := s.signUp("ann")
	t := s.mail(ann, "1")
	issued := account.Entry{
		At: t.Issued, Event: account.EventMailIssued, Run: t.Run, AccountID: ann.ID,
		Client: t.Client, Operator: t.Operator,
	}
	s.must(s.RevokeToken(s.Context(), t.Key, t.Issued.Add(time.Second)))
	revoked := issued
	revoked.At, revoked.Event = t.Issued.Add(time.Second), account.EventMailRevoked
	s.audited(ann.ID, issued, revoked)
}

func revokes(s *suite) {
	ann := s.signUp("ann")
	first, second := token(ann, "1"), token(ann, "2")
	s.must(s.IssueToken(s.Context(), first, 2))
	s.must(s.IssueToken(s.Context(), second, 2))
	for range 2 {
		s.must(s.RevokeToken(s.Context(), first.Key, noon))
	}
	s.must(s.RevokeToken(s.Context(), token(ann, "never issued").Key, noon))
	s.same("revocations in the audit log", 1, s.count(ann.ID, account.EventMailRevoked))
	s.refuse("a revoked token", submit(first, "new"), account.ErrTokenUnknown)
	s.fails("a mail more", s.IssueToken(s.Context(), token(ann, "3"), 2), account.ErrMailLimit)
	s.must(s.IssueToken(s.Context(), attempt(first), 2))
	s.change(submit(second, "new"), ann.ID)
}

// security 25: the limit holds for mails that go out at once.
func racesMailLimit(s *suite) {
	s.inRounds(func(a account.Account) {
		issued := 0
		for _, err := range race(func(i int) error {
			return s.IssueToken(s.Context(), token(a, strconv.Itoa(i)), 3)
		}) {
			if err == nil {
				issued++
				continue
			}
			s.fails("a mail beyond the limit", err, account.ErrMailLimit)
		}
		s.same("mails", 3, issued)
	})
}

// Attempts of one mail that overlap, because a worker was thought dead, count as one.
func racesOneMail(s *suite) {
	s.inRounds(func(a account.Account) {
		tokens := [racers]account.Token{token(a, "1")}
		for i := range tokens[1:] {
			tokens[i+1] = attempt(tokens[i])
		}
		for _, err := range race(func(i int) error {
			return s.IssueToken(s.Context(), tokens[i], 1)
		}) {
			s.must(err)
		}
	})
}
