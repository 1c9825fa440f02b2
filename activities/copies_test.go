package activities_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/mail"
)

// security 23, 25: a mail that may have arrived goes out three times at most, later each time.
// Each copy has a link that works and counts. The run knows when the last of them ends.
func TestCopiesHaveAnEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	s.MailLimit = account.MailCopies
	s.mailer.fail = failing(mail.Unknown, 0)
	var chosen []keys.NewPassword
	for _, pause := range []time.Duration{30 * time.Second, 15 * time.Minute} {
		_, err := s.sendLink(t, wanted(ann.Address))
		failed, ok := errors.AsType[*temporal.ApplicationError](err)
		if !ok || failed.NonRetryable() {
			t.Fatalf("a copy that may have arrived: %v", err)
		}
		diff(t, "pause", failed.NextRetryDelay(), pause)
		chosen = append(chosen, s.chosen(t, "$argon2id$new"))
		s.now = s.now.Add(pause)
	}
	last := s.now.Add(life).Truncate(time.Second)
	for _, mails := range []int{3, 3} { // an attempt more, as after a worker that died
		got, err := s.sendLink(t, wanted(ann.Address))
		must(t, err)
		diff(t, "delivery", got, flow.Delivery{Mail: wanted("").Name(), Withheld: flow.MailUnknown, Expires: last})
		diff(t, "mails", len(s.mailer.tried), mails)
	}
	another := wanted(ann.Address)
	another.Number = 2
	got, err := s.sendLink(t, another)
	must(t, err)
	diff(t, "another mail", got.Withheld, flow.MailLimit)
	for _, m := range s.mailer.tried[1:] {
		diff(t, "Message-ID", m.ID, s.mailer.tried[0].ID)
	}
	v, err := s.change(t, flow.Change{Run: run, Submission: s.submission(t, chosen[0])})
	must(t, err)
	diff(t, "link of the first copy", string(v.Event), "password_changed")
}

// A copy that definitely did not go out does not count. It is tried for a day as any other mail,
// also after a failure by the end of its attempt.
func TestRevokedCopiesDoNotCount(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	w := watch(s)
	s.MailLimit = 2
	s.mailer.fail = failing(mail.Unknown, 0)
	if _, err := s.sendLink(t, wanted(ann.Address)); err == nil {
		t.Fatal("an unknown outcome is no error")
	}
	for range account.MailCopies {
		over, end := context.WithCancel(t.Context())
		s.background = over
		s.mailer.fail = func(context.Context, mail.Message) error {
			end()
			return &mail.Error{Outcome: mail.Deferred, Step: "connect"}
		}
		if _, err := s.sendLink(t, wanted(ann.Address)); err == nil {
			t.Fatal("a deferred mail is no error")
		}
	}
	diff(t, "revoked", len(w.revoked), account.MailCopies)
	s.background, s.mailer.fail = nil, nil
	got, err := s.sendLink(t, wanted(ann.Address))
	must(t, err)
	diff(t, "withheld", string(got.Withheld), "")
}

// security 25: each reset of a run in Temporal mails another link, and each link counts.
func TestMailOfAResetRunCounts(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	s.MailLimit = 2
	ids := map[string]bool{}
	for n, want := range []flow.Reason{"", "", flow.MailLimit, flow.MailLimit} {
		m := wanted(ann.Address)
		m.Sender = fmt.Sprintf("%s%d", run[:len(run)-1], n)
		s.run.RunID = m.Sender
		got, err := s.sendLink(t, m)
		must(t, err)
		diff(t, "withheld", got.Withheld, want)
		ids[s.mailer.last(t).ID] = true
	}
	diff(t, "mails", len(s.mailer.tried), 2)
	diff(t, "Message-IDs", len(ids), 2)
}

// security 25: strangers who request mails all day keep the owner from one for an hour at most.
// The mail names the number of requests.
func TestMailsRefill(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	s.MailLimit = 5
	number, mails := 0, 0
	ask := func() flow.Reason {
		number++
		m := wanted(ann.Address)
		m.Number = number
		got, err := s.sendLink(t, m)
		must(t, err)
		if got.Withheld == "" {
			mails++
		}
		return got.Withheld
	}
	for range 24 * 6 {
		ask()
		s.now = s.now.Add(10 * time.Minute)
	}
	if mails < 24 || mails > 5+24 {
		t.Errorf("%d mails in a day", mails)
	}
	s.now = s.now.Add(time.Hour)
	diff(t, "after an hour", ask(), flow.Reason(""))
	for _, text := range []string{s.mailer.tried[0].Text, s.mailer.tried[0].HTML} {
		if strings.Contains(text, "requested within") {
			t.Errorf("the first mail counts:\n%s", text)
		}
	}
	if text := s.mailer.tried[1].Text; !strings.Contains(text, "This is email 2 requested within 24 hours.") {
		t.Errorf("the second mail:\n%s", text)
	}
}

// security 6: a sealed input of a thief of the payload keyset can ask for a long life. The link
// gets the longest that the worker allows, and the mail names that one.
func TestLinkLifeIsBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	s.MaxLinkLife = 2 * time.Hour
	m := wanted(ann.Address)
	m.Life = 364 * 24 * time.Hour
	got, err := s.sendLink(t, m)
	must(t, err)
	diff(t, "expires", got.Expires, start.Add(2*time.Hour).Truncate(time.Second))
	if text := s.mailer.last(t).Text; !strings.Contains(text, "The link works for 2 hours") {
		t.Errorf("mail:\n%s", text)
	}
}
