package crash

import (
	"slices"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// security 23: on one machine everything is killed at once, at any step of a reset, and started
// again on its folder. The reset ends as without a kill. There is one moment less: no starter
// takes a submission while nobody can apply it.
func TestOneIsKilled(t *testing.T) {
	t.Parallel()
	for _, m := range moments() {
		if m.name == withoutWorker {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			if m.name != sample {
				suite.Long(t)
			}
			s := &story{Site: site.One(t), one: true, release: func() {}}
			s.Patience, s.who = patience, s.People[0]
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

// security 23: with 125 resets, 25 in each state, everything is killed at once. Each reset ends as
// it should, and each password was changed once.
func TestOneIsKilledWithManyRuns(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := &story{Site: site.One(t), one: true, release: func() {}}
	s.Env = append(s.Env, "REKEY_CLIENT_LIMIT=0", "REKEY_START_LIMIT=0")
	all := crowd(t, s.Site, 125)
	deferred, waiting, telling, done, canceled := all[:25], all[25:50], all[50:75], all[75:100], all[100:]
	changed := slices.Concat(deferred, waiting, telling, done)
	endAs("canceled", canceled)
	s.work(t)
	s.Mail.Fail(greylists(deferred, telling))
	each(t, all, s.asks)
	each(t, all[25:], s.reads)
	each(t, slices.Concat(telling, done), s.uses)
	each(t, canceled, s.cancels)
	each(t, slices.Concat(done, canceled), s.ends)
	s.kill(t)
	s.work(t)
	each(t, deferred, s.reads)
	each(t, changed, s.uses)
	each(t, changed, s.isTold)
	each(t, canceled, s.isCanceled)
	each(t, all, s.ends)
	s.kill(t)
	s.Open(t, func(store *bolt.Store) {
		changedOnceEach(t, store, changed)
		for _, p := range canceled {
			if got := decisions(t, store, p.Account); got[account.EventPasswordChanged] != 0 {
				t.Errorf("%s: %v", p.ID, got)
			}
		}
	})
}
