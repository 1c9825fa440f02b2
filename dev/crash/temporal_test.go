package crash

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

var cancelLink = regexp.MustCompile(`/account/cancel-reset/([A-Za-z0-9_-]+)`)

// person is one of many at a site.
type person struct {
	account.Account

	token, cancel string // of the links in the mail
}

// security 23: Temporal is killed with 200 runs, 40 in each state that a reset can be in,
// and comes back on its file; each run ends as it should.
func TestTemporalIsKilled(t *testing.T) {
	t.Parallel()
	s := &story{Site: site.New(t), release: func() {}}
	s.Env = append(s.Env, "REKEY_CLIENT_LIMIT=0", "REKEY_START_LIMIT=0")
	all := crowd(t, s.Site, 200)
	done, canceled, submitted, waiting, deferred := all[:40], all[40:80], all[80:120], all[120:160], all[160:]
	s.Run(t, 0, "setup")
	s.work(t)
	s.starter, s.temporal = s.Starter(t), s.Dial(t)

	s.Mail.Fail(greylists(deferred))
	each(all, func(p *person) { s.Forgot(t, p.Account) })
	each(all[:160], func(p *person) { p.read(t, s.Site) })
	each(done, func(p *person) { p.use(t, s.Site) })
	each(canceled, func(p *person) {
		if a := s.Post(t, "/account/cancel_reset/"+p.cancel, map[string]string{}); a.HTTP != http.StatusOK {
			t.Errorf("cancel of %s: %+v", p.ID, a)
		}
	})
	kill(t, s.worker)
	each(submitted, func(p *person) {
		if a := s.Reset(t, p.token, newPassword); a.HTTP != http.StatusAccepted {
			t.Errorf("%s without a worker: %+v", p.ID, a)
		}
	})

	kill(t, s.Temporal)
	s.StartTemporal(t)
	s.Mail.Fail(nil)
	s.work(t)
	each(deferred, func(p *person) { p.read(t, s.Site) })
	each(slices.Concat(done, submitted, waiting, deferred), func(p *person) {
		p.use(t, s.Site)
		s.Mails(t, p.Account, 2)
	})
	each(canceled, func(p *person) { p.isCanceled(t, s.Site) })
	each(all, func(p *person) { s.ends(t, p.Account) })
	s.kill(t)
	s.Open(t, func(store *bolt.Store) {
		changedOnceEach(t, store, slices.Concat(done, submitted, waiting, deferred))
		for _, p := range canceled {
			if got := decisions(t, store, p.Account); len(got) != 0 {
				t.Errorf("%s canceled: %v", p.ID, got)
			}
		}
	})
}

// crowd puts n people into the site's store.
func crowd(t *testing.T, s *site.Site, n int) (people []*person) {
	t.Helper()
	var accounts []account.Account
	for i := range n {
		people = append(people, &person{Account: site.Person(fmt.Sprintf("person-%03d", i))})
		accounts = append(accounts, people[i].Account)
	}
	s.Put(t, accounts...)
	return people
}

// each does something for everybody, twenty at a time.
func each(people []*person, do func(*person)) {
	var all errgroup.Group
	all.SetLimit(20)
	for _, p := range people {
		all.Go(func() error { do(p); return nil })
	}
	_ = all.Wait() // nobody returns an error
}

// greylists is a mail server that does not know these people's mails yet.
func greylists(people []*person) func(inbox.Message) error {
	return func(m inbox.Message) error {
		if slices.ContainsFunc(people, func(p *person) bool { return m.To[0].Address == p.Address }) {
			return inbox.Reply(451, "greylisted")
		}
		return nil
	}
}

func (p *person) read(t *testing.T, s *site.Site) {
	t.Helper()
	text := s.Mails(t, p.Account, 1)[0].Text
	p.token, p.cancel = site.ResetLink.FindStringSubmatch(text)[1], cancelLink.FindStringSubmatch(text)[1]
}

// use submits the password until it is said to be changed. A starter needs a moment to
// find Temporal again.
func (p *person) use(t *testing.T, s *site.Site) {
	t.Helper()
	process.Eventually(t, patience, "the answer okay", func() bool {
		a := s.Reset(t, p.token, newPassword)
		if a.HTTP >= http.StatusBadRequest && a.HTTP != http.StatusServiceUnavailable {
			t.Errorf("%s: %+v", p.ID, a)
			return true
		}
		return a.HTTP == http.StatusOK
	})
}

func (p *person) isCanceled(t *testing.T, s *site.Site) {
	t.Helper()
	if a := s.Reset(t, p.token, newPassword); a.Code != "link_canceled" {
		t.Errorf("%s: %+v, want the reset to be canceled", p.ID, a)
	}
}

// ends waits for the end of somebody's run.
func (s *story) ends(t *testing.T, who account.Account) {
	t.Helper()
	process.Eventually(t, patience, "the end of the run of "+who.ID, func() bool { return s.State(t, s.temporal, who) != "" })
}

// changedOnceEach checks that everybody's password was changed once.
func changedOnceEach(t *testing.T, store *bolt.Store, people []*person) {
	t.Helper()
	for _, p := range people {
		if got := decisions(t, store, p.Account); got[account.EventPasswordChanged] != 1 || len(got) != 1 {
			t.Errorf("%s: %v, want one change", p.ID, got)
		}
	}
}
