package activities_test

import (
	"maps"
	"testing"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/mail"
)

// counter has the counts, by metric and labels, in the order of their names.
type counter struct {
	client.MetricsHandler
	labels string
	total  map[string]int64
}

func (c counter) WithTags(tags map[string]string) client.MetricsHandler {
	for _, name := range []string{"event", "kind", "reason", "result", "retry"} {
		if tags[name] != "" {
			c.labels += " " + tags[name]
		}
	}
	return c
}

func (c counter) Counter(name string) client.MetricsCounter {
	return count(func(n int64) { c.total[name+c.labels] += n })
}

type count func(int64)

func (c count) Inc(n int64) { c(n) }

// counted are those that are not 0.
func (c counter) counted() map[string]int64 {
	all := maps.Clone(c.total)
	maps.DeleteFunc(all, func(_ string, n int64) bool { return n == 0 })
	return all
}

// counting makes a site count.
func counting(s *site) counter {
	c := counter{MetricsHandler: client.MetricsNopHandler, total: map[string]int64{}}
	s.Metrics = c
	return c
}

// Each attempt at a mail is counted with its result, and each withheld link with the reason.
func TestMailsAreCounted(t *testing.T) {
	t.Parallel()
	s := newSite(t, ann)
	c := counting(s)
	for _, fail := range []mail.Outcome{mail.Deferred, mail.Unknown, mail.Refused} {
		s.mailer.fail = failing(fail, 0)
		_, _ = s.sendLink(t, wanted(ann.Address)) // other tests check the error
	}
	s.mailer.fail = nil
	for _, address := range []string{ann.Address, "nobody@example.com"} {
		if _, err := s.sendLink(t, wanted(address)); err != nil {
			t.Fatal(err)
		}
	}
	s.applied(t, ann, run, notice.Submission)
	if _, err := s.notify(t); err != nil {
		t.Fatal(err)
	}
	diff(t, "counted", c.counted(), map[string]int64{
		"rekey_mail_attempts link deferred false": 1, "rekey_mail_attempts link unknown false": 1,
		"rekey_mail_attempts link refused false": 1, "rekey_mail_attempts link sent false": 1, "rekey_mail_attempts notice sent false": 1,
		"rekey_mails_withheld mail_refused": 1, "rekey_mails_withheld no_account": 1,
	})
	if _, known := c.total["rekey_mail_attempts notice refused true"]; !known {
		t.Error("a counter is not known before its first event")
	}
}

// Each verdict is counted, and each end without one.
func TestVerdictsAreCounted(t *testing.T) {
	t.Parallel()
	s := linked(t)
	c := counting(s)
	good := s.submission(t, s.chosen(t, "$argon2id$new"))
	foreign := flow.Submission{ID: "x", LinkRun: run, Sealed: []byte("foreign")}
	late := s.submission(t, keys.NewPassword{Hash: "$argon2id$late", Digest: [32]byte{1}, Accepted: s.now.Add(-25 * time.Hour)})
	for _, submission := range []flow.Submission{good, foreign, late} {
		if _, err := s.change(t, flow.Change{Run: run, Submission: submission}); err != nil {
			t.Fatal(err)
		}
	}
	s.store.Close()
	if _, err := s.change(t, flow.Change{Run: run, Submission: good}); err == nil {
		t.Fatal("a closed store changed a password")
	}
	diff(t, "counted", c.counted(), map[string]int64{
		"rekey_changes password_changed": 1, "rekey_changes token_unknown": 1, "rekey_changes change_refused": 1, "rekey_changes fault": 1,
	})
}
