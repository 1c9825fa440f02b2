package crash

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/failpoint"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/password"
)

// moment is when the worker is killed.
type moment struct {
	name  string
	reach func(*testing.T, *story) // acts until then
	// Numbers of mails of each kind in the end. More than one are repetitions of a mail that
	// the mail server had taken without the worker's knowledge.
	links, notices int
	use            int // the link of which mail is used
}

const (
	// sample is the moment of the short suite.
	sample = "after the store's transaction"

	withoutWorker = "with a submission that nobody has begun to apply"
)

func moments() []moment {
	return []moment{
		{"before the link is sent", beforeLink, 1, 1, 1},
		{"when the mail server has the link, and the first mail is used", afterLink, 2, 1, 1},
		{"when the mail server has the link, and the second mail is used", afterLink, 2, 1, 2},
		{"while a link waits", linkWaits, 1, 1, 1},
		{withoutWorker, accepted, 1, 1, 1},
		{"inside the store's transaction", stopped(failpoint.BeforeCommit), 1, 1, 1},
		{sample, stopped(failpoint.AfterCommit), 1, 1, 1},
		{"before the notice is sent", beforeNotice, 1, 1, 1},
		{"when the mail server has the notice", afterNotice, 1, 2, 1},
	}
}

// security 23: the only worker is killed at any step and started again, and the reset ends as
// without a kill. The password changed once, the owner was notified, and no link is left.
func TestWorkerIsKilled(t *testing.T) {
	t.Parallel()
	for _, m := range moments() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			if m.name != sample {
				suite.Long(t)
			}
			s := begin(t)
			m.reach(t, s)
			s.kill(t)
			s.work(t)
			if s.token == "" {
				s.open(t, max(m.links, m.use))
				s.open(t, m.use)
			}
			s.Insist(t, s.token, newPassword)
			s.completes(t, m.links, m.notices)
		})
	}
}

func beforeLink(t *testing.T, s *story) {
	t.Helper()
	env, connected := silent(t)
	s.work(t, env...)
	s.ask(t)
	process.Happens(t, patience, connected, "the connection to the mail server")
}

func afterLink(t *testing.T, s *story) {
	t.Helper()
	taken := s.hold()
	s.work(t)
	s.ask(t)
	process.Happens(t, patience, taken, "the mail with the link")
}

func linkWaits(t *testing.T, s *story) {
	t.Helper()
	s.work(t)
	s.ask(t)
	s.open(t, 1)
}

// accepted is a submission that came when no worker was there to take it.
func accepted(t *testing.T, s *story) {
	t.Helper()
	linkWaits(t, s)
	s.kill(t)
	s.Submit(t, s.token, newPassword)
}

// stopped is a worker that stands still at a failpoint.
func stopped(at string) func(*testing.T, *story) {
	return func(t *testing.T, s *story) {
		t.Helper()
		s.work(t, "REKEY_FAILPOINT="+at)
		s.ask(t)
		s.open(t, 1)
		s.send()
		s.worker.Await(t, s.worker.Err, "failpoint "+at)
	}
}

func beforeNotice(t *testing.T, s *story) {
	t.Helper()
	linkWaits(t, s)
	s.kill(t)
	env, connected := silent(t)
	s.work(t, env...)
	s.send()
	process.Happens(t, patience, connected, "the connection to the mail server")
}

func afterNotice(t *testing.T, s *story) {
	t.Helper()
	linkWaits(t, s)
	taken := s.hold()
	s.send()
	process.Happens(t, patience, taken, "the notice")
}

// completes waits for the end of the run and checks that nothing is missing and nothing
// is there twice.
func (s *story) completes(t *testing.T, links, notices int) {
	t.Helper()
	process.Eventually(t, patience, "the end of the run", func() bool { return s.State(t, s.temporal, s.who) != "" })
	if got := s.State(t, s.temporal, s.who); got != "completed" {
		t.Errorf("the run ended %s", got)
	}
	mails := s.Mails(t, s.who, links+notices)
	gotLinks, gotNotices := sorted(mails)
	if len(gotLinks) != links || len(gotNotices) != notices {
		t.Errorf("%d mails with a link and %d notices, want %d and %d", len(gotLinks), len(gotNotices), links, notices)
	}
	oneMail(t, gotLinks)
	oneMail(t, gotNotices)
	s.linksAreUsed(t, gotLinks)
	s.kill(t)
	s.Open(t, func(store *bolt.Store) { changedOnce(t, store, s.who) })
}

// sorted separates mails with a link from notices.
func sorted(mails []inbox.Message) (links, notices []inbox.Message) {
	for _, m := range mails {
		if site.ResetLink.MatchString(m.Text) {
			links = append(links, m)
		} else {
			notices = append(notices, m)
		}
	}
	return links, notices
}

// oneMail checks that mail programs can see that these are one mail.
func oneMail(t *testing.T, mails []inbox.Message) {
	t.Helper()
	for _, m := range mails {
		if m.MessageID == "" || m.MessageID != mails[0].MessageID {
			t.Errorf("Message-ID %q, the first one has %q", m.MessageID, mails[0].MessageID)
		}
	}
}

// linksAreUsed checks that no mailed link changes the password again. A person who used one
// still learns so.
func (s *story) linksAreUsed(t *testing.T, links []inbox.Message) {
	t.Helper()
	for _, m := range links {
		token := site.ResetLink.FindStringSubmatch(m.Text)[1]
		if a := s.Reset(t, token, otherPassword); a.Code != "link_used" {
			t.Errorf("a mailed link with another password: %+v", a)
		}
	}
	if a := s.Reset(t, s.token, newPassword); a.HTTP != http.StatusOK || a.Status != "okay" {
		t.Errorf("the used link with its password: %+v", a)
	}
}

// stored is the store after a story, in a file or in a database.
type stored interface {
	account.Store
	Audit(ctx context.Context, accountID string) ([]account.Entry, error)
}

// changedOnce looks into the store: the new password, set once, and no record of a link.
func changedOnce(t *testing.T, store stored, who account.Account) {
	t.Helper()
	now, err := store.Account(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := password.Verify(now.Credential, newPassword); !right || err != nil {
		t.Errorf("the stored password is another: %v", err)
	}
	if diff := cmp.Diff(map[account.Event]int{account.EventPasswordChanged: 1}, decisions(t, store, who)); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
	log, err := store.Audit(t.Context(), who.ID)
	if err != nil || len(log) == 0 {
		t.Fatalf("audit log: %v, %v", log, err)
	}
	// The end of a run deletes left links, and reports whether there was any.
	if applied, err := store.End(t.Context(), log[0].Run, time.Now()); err != nil || applied.AccountID != who.ID {
		t.Errorf("what was applied: %+v, %v", applied, err)
	}
	after, err := store.Audit(t.Context(), who.ID)
	if err != nil || len(after) != len(log) {
		t.Errorf("a record of a link was left: %+v, %v", after, err)
	}
}

// decisions counts the decisions about an account's password.
func decisions(t *testing.T, store stored, who account.Account) map[account.Event]int {
	t.Helper()
	entries, err := store.Audit(t.Context(), who.ID)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[account.Event]int{}
	for _, e := range entries {
		if e.Event == account.EventPasswordChanged || e.Event == account.EventChangeRefused {
			counts[e.Event]++
		}
	}
	return counts
}
