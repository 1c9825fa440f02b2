package crash

import (
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
)

var cancelLink = regexp.MustCompile(`/account/cancel-reset/([A-Za-z0-9_-]+)`)

// person is one of many at a site.
type person struct {
	account.Account

	token, cancel string // of the links in the mail
	end           string // of the run
}

// security 23: Temporal is killed with 200 runs, 25 in each state of a reset, and comes back on
// its file. Each run ends as it should. Runs may expire before the kill or after it. A run
// waits for a minute after its link, and the test does not wait for such runs.
func TestTemporalIsKilled(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := &story{Site: site.New(t), release: func() {}}
	s.Env = append(s.Env, "REKEY_CLIENT_LIMIT=0", "REKEY_START_LIMIT=0")
	all := crowd(t, s.Site, 200)
	deferred, waiting, submitted, telling := all[:25], all[25:50], all[50:75], all[75:100]
	done, canceled, refused, expiring := all[100:125], all[125:150], all[150:175], all[175:]
	changed := slices.Concat(deferred, waiting, submitted, telling, done)
	endAs("canceled", canceled)
	endAs("refused", refused)
	endAs("expired", expiring)
	s.Run(t, 0, "setup")
	s.work(t)
	s.starter, s.temporal = s.Starter(t), s.Dial(t)

	s.Mail.Fail(greylists(deferred, telling))
	s.askForABriefLink(t, expiring)
	each(t, all[:175], s.asks)
	each(t, all[25:], s.reads)
	each(t, slices.Concat(telling, done), s.uses)
	each(t, canceled, s.cancels)
	each(t, slices.Concat(done, canceled), s.ends)
	s.worker.Kill(t)
	s.disable(t, refused)
	s.work(t)
	each(t, refused, s.isRefused)
	each(t, refused, s.ends)
	s.worker.Kill(t)
	each(t, submitted, s.submits)

	s.Temporal.Kill(t)
	s.StartTemporal(t)
	s.Mail.Fail(nil)
	s.work(t)
	each(t, deferred, s.reads)
	each(t, changed, s.uses)
	each(t, changed, s.isTold)
	each(t, canceled, s.isCanceled)
	each(t, refused, s.isRefused)
	each(t, all, s.ends)
	s.kill(t)
	s.Open(t, func(store *bolt.Store) {
		changedOnceEach(t, store, changed)
		for _, p := range slices.Concat(expiring, canceled, refused) {
			if got := decisions(t, store, p.Account); got[account.EventPasswordChanged] != 0 {
				t.Errorf("%s, %s: %v", p.ID, p.end, got)
			}
		}
	})
}

// crowd puts n people into the site's store.
func crowd(t *testing.T, s *site.Site, n int) (people []*person) {
	t.Helper()
	var accounts []account.Account
	for i := range n {
		people = append(people, &person{Account: site.Person(fmt.Sprintf("person-%03d", i)), end: "completed"})
		accounts = append(accounts, people[i].Account)
	}
	s.Put(t, accounts...)
	return people
}

func endAs(end string, people []*person) {
	for _, p := range people {
		p.end = end
	}
}

// each runs a function for all people, twenty at a time. Each has a test of its own, which may
// end where it stands. A failed one ends this test.
func each(t *testing.T, people []*person, do func(*testing.T, *person)) {
	t.Helper()
	var all errgroup.Group
	all.SetLimit(20)
	for _, p := range people {
		all.Go(func() error {
			t.Run(p.ID, func(t *testing.T) { do(t, p) })
			return nil
		})
	}
	_ = all.Wait() // no function returns an error
	if t.Failed() {
		t.FailNow()
	}
}

// greylists is a mail server that does not know some people's links yet, and the notices of
// others.
func greylists(links, notices []*person) func(inbox.Message) error {
	return func(m inbox.Message) error {
		unknown := notices
		if site.ResetLink.MatchString(m.Text) {
			unknown = links
		}
		if slices.ContainsFunc(unknown, func(p *person) bool { return m.To[0].Address == p.Address }) {
			return inbox.Reply(451, "greylisted")
		}
		return nil
	}
}

// askForABriefLink requests links that live for a second, as an application can whose backend
// is a starter. The command takes a minute at least.
func (s *story) askForABriefLink(t *testing.T, people []*person) {
	t.Helper()
	c, err := starter.Dial(t.Context(), starter.Config{
		Temporal: client.Options{HostPort: s.TemporalAddr, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))},
		Keys:     keys.Open(s.Keys()), BaseURL: link.MustParseBaseURL(s.URL), LinkLife: time.Second,
		Policy: password.DefaultPolicy(), Budget: password.NewBudget(1, 1, time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	each(t, people, func(t *testing.T, p *person) {
		t.Helper()
		if err := c.Request(t.Context(), p.Address); err != nil {
			t.Fatal(err)
		}
	})
}

// disable changes accounts while no worker has the store.
func (s *story) disable(t *testing.T, people []*person) {
	t.Helper()
	var accounts []account.Account
	for _, p := range people {
		now := p.Account
		now.Disabled = true
		accounts = append(accounts, now)
	}
	s.Put(t, accounts...)
}

func (s *story) asks(t *testing.T, p *person) {
	t.Helper()
	s.Forgot(t, p.Account)
}

func (s *story) reads(t *testing.T, p *person) {
	t.Helper()
	text := s.Mails(t, p.Account, 1)[0].Text
	p.token, p.cancel = site.ResetLink.FindStringSubmatch(text)[1], cancelLink.FindStringSubmatch(text)[1]
}

func (s *story) uses(t *testing.T, p *person) {
	t.Helper()
	s.Insist(t, p.token, newPassword)
}

func (s *story) submits(t *testing.T, p *person) {
	t.Helper()
	s.Submit(t, p.token, newPassword)
}

func (s *story) cancels(t *testing.T, p *person) {
	t.Helper()
	if a := s.PostPatiently(t, "/account/cancel_reset/"+p.cancel, map[string]string{}); a.HTTP != http.StatusOK {
		t.Errorf("cancel: %+v", a)
	}
}

func (s *story) isTold(t *testing.T, p *person) {
	t.Helper()
	s.Mails(t, p.Account, 2)
}

func (s *story) isCanceled(t *testing.T, p *person) {
	t.Helper()
	if a := s.Decide(t, p.token, newPassword); a.Code != "link_canceled" {
		t.Errorf("%+v, want the reset to be canceled", a)
	}
}

func (s *story) isRefused(t *testing.T, p *person) {
	t.Helper()
	if a := s.Decide(t, p.token, newPassword); a.Code != "change_refused" {
		t.Errorf("%+v, want the change to be refused", a)
	}
}

// ends waits for the end of a person's run.
func (s *story) ends(t *testing.T, p *person) {
	t.Helper()
	process.Eventually(t, patience, "the end of the run", func() bool { return s.State(t, s.temporal, p.Account) != "" })
	if got := s.State(t, s.temporal, p.Account); got != p.end {
		t.Errorf("the run ended %s, want %s", got, p.end)
	}
}

// changedOnceEach checks that each password was changed once.
func changedOnceEach(t *testing.T, store *bolt.Store, people []*person) {
	t.Helper()
	for _, p := range people {
		if got := decisions(t, store, p.Account); got[account.EventPasswordChanged] != 1 || len(got) != 1 {
			t.Errorf("%s: %v, want one change", p.ID, got)
		}
	}
}
