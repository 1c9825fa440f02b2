package storetest

import (
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// attempt is another try of the same mail, which has another token.
func attempt(t account.TokenRecord) account.TokenRecord {
	t.Key = sha256.Sum256(t.Key[:])
	t.Issued, t.Expires = t.Issued.Add(time.Minute), t.Expires.Add(time.Minute)
	return t
}

// security 25: the limit is per account and counts mails, not attempts; it kills no
// link that is out.
func limitsMails(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	first, second, third := token(ann, "1"), token(ann, "2"), token(ann, "3")
	s.must(s.issue(first, 2))
	s.must(s.issue(second, 2))
	s.must(s.RevokeToken(s.Context(), second.Key, noon))
	s.must(s.issue(attempt(second), 2))
	s.must(s.issue(token(bob, "1"), 2))
	s.fails("the third mail", s.issue(third, 2), account.ErrMailLimit)
	s.same("mails in the audit log", 3, s.count(ann.ID, account.EventMailIssued))
	s.refuse("a token beyond the limit", submit(third, "new"), account.ErrTokenUnknown)
	s.must(s.issue(third, 3)) // as for an operator
	s.must(s.RevokeToken(s.Context(), attempt(second).Key, noon))
	s.must(s.issue(attempt(attempt(second)), 2)) // it was counted before
	s.change(submit(first, "new"), ann.ID)
}

// security 25: after a complaint the account gets no mail for a day, not even an operator's, and its
// links stay valid.
func restsAfterComplaint(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	first := token(ann, "1")
	s.must(s.issue(first, plenty))
	at := noon.Add(time.Minute)
	e := account.Entry{At: at, Event: account.EventMailComplaint, Run: "r", AccountID: ann.ID}
	s.must(s.Complained(s.Context(), e))
	s.must(s.Complained(s.Context(), e))
	s.audited(ann.ID, e, e)
	for name, after := range map[string]time.Duration{"2": 0, "3": time.Hour, "4": account.MailRest - time.Second} {
		t := token(ann, name)
		t.Issued = at.Add(after)
		s.fails("mail "+name, s.issue(t, plenty), account.ErrMailLimit)
	}
	s.fails("another attempt of the first mail", s.issue(attempt(first), plenty), account.ErrMailLimit)
	s.must(s.issue(token(bob, "1"), plenty))
	s.must(s.Complained(s.Context(), account.Entry{At: at, Event: account.EventMailComplaint, AccountID: "nobody"}))
	t := token(ann, "5")
	t.Issued = at.Add(account.MailRest)
	s.issues(t, 1, account.Issued{Copy: 1, Asked: 1}, nil)
	s.change(submit(first, "new"), ann.ID)
}

// security 25: no owner waits longer than an hour for the next mail, and gets one then.
func refillsMails(s *suite) {
	ann := s.signUp("ann")
	const ms = time.Millisecond
	for _, mail := range []struct {
		name  string
		after time.Duration
		want  error
	}{
		{"1", 500 * ms, nil},
		{"2", 600 * ms, nil},
		{"3", account.MailRefill + 499*ms, account.ErrMailLimit},
		{"4", account.MailRefill + 500*ms, nil},
		{"5", account.MailRefill + 500*ms, account.ErrMailLimit},
		{"6", 2*account.MailRefill + 499*ms, account.ErrMailLimit},
		{"7", 2*account.MailRefill + 500*ms, nil},
		{"8", 9 * account.MailRefill, nil},
		{"9", 9 * account.MailRefill, nil},
		{"10", 9 * account.MailRefill, account.ErrMailLimit},
	} {
		t := token(ann, mail.name)
		t.Issued = noon.Add(mail.after)
		s.fails("mail "+mail.name, s.issue(t, 2), mail.want)
	}
}

// security 25: a mail whose arrival is unknown goes out three times at most. Each copy counts,
// and each has a link that works.
func limitsCopies(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	first := token(ann, "1")
	second := attempt(first)
	revoked := attempt(second)
	third := attempt(revoked)
	s.issues(first, plenty, account.Issued{Copy: 1, Asked: 1}, nil)
	s.issues(second, plenty, account.Issued{Copy: 2, Asked: 1, Expires: first.Expires}, nil)
	s.issues(revoked, plenty, account.Issued{Copy: 3, Asked: 1, Expires: second.Expires}, nil)
	s.must(s.RevokeToken(s.Context(), revoked.Key, noon))
	s.issues(third, 3, account.Issued{Copy: 3, Asked: 1, Expires: second.Expires}, nil)
	s.issues(attempt(third), plenty, account.Issued{Copy: 4, Asked: 1, Expires: third.Expires}, account.ErrTooManyCopies)
	s.same("mails in the audit log", 4, s.count(ann.ID, account.EventMailIssued))
	s.refuse("a token beyond the copies", submit(attempt(third), "new"), account.ErrTokenUnknown)

	s.fails("another mail", s.issue(token(ann, "2"), 3), account.ErrMailLimit)
	s.must(s.issue(token(ann, "2"), 4))
	s.fails("a copy beyond the limit", s.issue(attempt(token(ann, "2")), 4), account.ErrMailLimit)
	s.issues(token(bob, "1"), 1, account.Issued{Copy: 1, Asked: 1}, nil)
	s.change(submit(second, "new"), ann.ID)
}

// A mail can name the number of requests in 24 hours. Copies were not requested.
func countsWhatWasAskedFor(s *suite) {
	ann, bob := s.signUp("ann"), s.signUp("bob")
	const day = 24 * time.Hour
	for _, mail := range []struct {
		of    account.Account
		name  string
		after time.Duration
		limit int
		want  int
		err   error
	}{
		{ann, "1", 0, plenty, 1, nil},
		{bob, "1", 0, plenty, 1, nil},
		{ann, "2", time.Second, plenty, 2, nil},
		{ann, "3", time.Minute, plenty, 3, nil},
		{ann, "4", time.Minute, 3, 4, account.ErrMailLimit},
		{ann, "5", day - time.Second, plenty, 4, nil},
		{ann, "6", day, plenty, 4, nil},
		{ann, "7", 2*day - time.Second, plenty, 2, nil},
	} {
		t := token(mail.of, mail.name)
		t.Issued = noon.Add(mail.after)
		s.issues(t, mail.limit, account.Issued{Copy: 1, Asked: mail.want}, mail.err)
	}
	again := attempt(token(ann, "7"))
	again.Issued = noon.Add(2*day - time.Second)
	s.issues(again, plenty, account.Issued{Copy: 2, Asked: 2, Expires: token(ann, "7").Expires}, nil)
}

// issues records a token and compares the result.
func (s *suite) issues(t account.TokenRecord, limit int, want account.Issued, err error) {
	s.Helper()
	got, failed := s.IssueToken(s.Context(), t, limit)
	s.fails("mail "+t.Mail, failed, err)
	if !got.Expires.Equal(want.Expires) {
		s.Errorf("mail %s: the last link of the other copies ends at %s, want %s", t.Mail, got.Expires, want.Expires)
	}
	got.Expires = want.Expires
	s.same("mail "+t.Mail, want, got)
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

	gone := s.mail(account.Account{ID: "gone", Address: "gone@example.com"}, "1")
	issued.Run, issued.AccountID = gone.Run, "gone"
	s.audited("gone", issued)
}

// A mail counts from its first attempt on, however late it is tried again.
func countsFirstAttempts(s *suite) {
	ann := s.signUp("ann")
	first := token(ann, "1")
	for _, t := range []account.TokenRecord{first, attempt(first), attempt(attempt(first))} {
		s.must(s.issue(t, 1))
		s.must(s.RevokeToken(s.Context(), t.Key, t.Issued))
	}
	next := token(ann, "2")
	next.Issued = first.Issued.Add(account.MailRefill)
	s.must(s.issue(next, 1))
}

func revokes(s *suite) {
	ann := s.signUp("ann")
	first, second := token(ann, "1"), token(ann, "2")
	s.must(s.issue(first, 2))
	s.must(s.issue(second, 2))
	for range 2 {
		s.must(s.RevokeToken(s.Context(), first.Key, noon))
	}
	s.must(s.RevokeToken(s.Context(), token(ann, "never issued").Key, noon))
	s.same("revocations in the audit log", 1, s.count(ann.ID, account.EventMailRevoked))
	s.refuse("a revoked token", submit(first, "new"), account.ErrTokenUnknown)
	s.fails("a mail more", s.issue(token(ann, "3"), 2), account.ErrMailLimit)
	s.must(s.issue(attempt(first), 2))
	s.change(submit(second, "new"), ann.ID)
}

// security 25: the limit holds for mails that go out at once.
func racesMailLimit(s *suite) {
	s.inRounds(func(a account.Account) {
		issued := 0
		for _, err := range race(func(i int) error {
			return s.issue(token(a, strconv.Itoa(i)), 3)
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

// Attempts of one mail that overlap, because a worker was thought dead, are its copies.
func racesOneMail(s *suite) {
	s.inRounds(func(a account.Account) {
		tokens := [racers]account.TokenRecord{token(a, "1")}
		for i := range tokens[1:] {
			tokens[i+1] = attempt(tokens[i])
		}
		issued := 0
		for _, err := range race(func(i int) error {
			return s.issue(tokens[i], account.MailCopies)
		}) {
			if err == nil {
				issued++
				continue
			}
			s.fails("a copy too many", err, account.ErrTooManyCopies)
		}
		s.same("copies", account.MailCopies, issued)
		s.fails("another mail", s.issue(token(a, "2"), account.MailCopies), account.ErrMailLimit)
	})
}
