package faults

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/inbox"
)

const submitted = 10 * time.Minute

// changeUnder uses the link, and lets the mail server fail from then on.
func changeUnder(w *world, at inbox.Step, f inbox.Fault) {
	w.at(submitted, func() {
		w.mail.FailAt(at, f)
		if !w.use(w.mails()[0]) {
			w.t.Error("the link is refused")
		}
	})
}

// notices are the mails after the first, which had the link.
func (w *world) notices() []inbox.Message {
	w.t.Helper()
	notices := w.mails()[1:]
	for _, m := range notices {
		if resetLink.MatchString(m.Text) || !strings.Contains(m.Text, "changed") || m.MessageID != notices[0].MessageID {
			w.t.Errorf("mail %s:\n%s", m.MessageID, m.Text)
		}
	}
	return notices
}

// The owner gets the notice of the change in the end, whatever the mail server does first.
//
// security 18, 23.
func TestNoticeFailsOnce(t *testing.T) {
	t.Parallel()
	for name, f := range passing() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, impatient(f))
			changeUnder(w, f.at, inbox.Next(f.err))
			diff(t, "outcome", w.run(), done)
			diff(t, "credential", w.credential(), newHash)
			diff(t, "notices", len(w.notices()), f.mails)
			pause := time.Second
			if slices.Equal(f.audit, leftOpen) { // unknown whether it went out
				pause = 30 * time.Second
			}
			diff(t, "end", w.age(), submitted+pause)
			if !strings.Contains(w.details(), "`notice_sent` | `completed`") {
				t.Errorf("details:\n%s", w.details())
			}
		})
	}
}

// A mail server that cannot be reached for a day ends the retries, and one that is back before
// does not. The change is done either way, and the run says which it was.
//
// security 18, 23.
func TestNoticeWithoutAMailServer(t *testing.T) {
	t.Parallel()
	away := func(inbox.Message) error { return inbox.ErrDropped }
	for name, tc := range map[string]struct {
		back    time.Duration
		notices int
		event   string
	}{
		"two minutes": {2 * time.Minute, 1, "notice_sent"},
		"23 hours":    {23 * time.Hour, 1, "notice_sent"},
		"two days":    {48 * time.Hour, 0, "notice_failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			changeUnder(w, inbox.Greeting, away)
			w.at(submitted+tc.back, func() { w.mail.FailAt(inbox.Greeting, nil) })
			diff(t, "outcome", w.run(), done)
			diff(t, "credential", w.credential(), newHash)
			diff(t, "notices", len(w.notices()), tc.notices)
			if end := w.age() - submitted; end > min(24*time.Hour, tc.back+5*time.Minute) {
				t.Errorf("the run ended %s after the change", end)
			}
			if !strings.Contains(w.details(), "`"+tc.event+"` | `completed`") {
				t.Errorf("details:\n%s", w.details())
			}
		})
	}
}

// A mail server that refuses the notice gets retries for a day, like one that is away: the
// cause of a refusal is unknown. The run and the store say that the owner was not notified. The
// quoted text appears nowhere.
//
// security 18, 23, 38.
func TestNoticeRefused(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]struct {
		at   inbox.Step
		code int
	}{"recipient": {inbox.Recipient, 550}, "content": {inbox.Content, 552}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			changeUnder(w, f.at, func(inbox.Message) error {
				return inbox.Reply(f.code, "no such user <"+ann.Address+">")
			})
			diff(t, "outcome", w.run(), done)
			diff(t, "credential", w.credential(), newHash)
			diff(t, "notices", len(w.notices()), 0)
			diff(t, "end", w.age(), submitted+24*time.Hour)
			if w.tries < 200 {
				t.Errorf("%d attempts in a day", w.tries)
			}
			if !strings.Contains(w.details(), "`notice_failed` | `completed`") || !strings.Contains(w.details(), "no address was notified") {
				t.Errorf("details:\n%s", w.details())
			}
			w.checkSecrets(w.mails()[0])
		})
	}
}
