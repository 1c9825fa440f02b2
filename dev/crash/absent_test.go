package crash

import (
	"sync"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// security 23: for a minute there is no worker. Every request and every new password that
// comes in that time is accepted, and carried out when a worker starts.
func TestNoWorkerForAMinute(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s := &story{Site: site.New(t), release: func() {}}
	all := crowd(t, s.Site, 40)
	haveLinks, ask := all[:20], all[20:]
	s.Run(t, 0, "setup")
	s.work(t)
	s.starter, s.temporal = s.Starter(t, "REKEY_CLIENT_LIMIT=0"), s.Dial(t)
	each(t, haveLinks, s.asks)
	each(t, haveLinks, s.reads)
	s.worker.Kill(t)

	minute, every := time.After(time.Minute), time.NewTicker(2500*time.Millisecond)
	defer every.Stop()
	var submissions sync.WaitGroup
	defer submissions.Wait() // also when a request ends the test
	for i, p := range haveLinks {
		submissions.Go(func() { // the answer takes five seconds: a worker may come
			t.Run(p.ID, func(t *testing.T) { s.submits(t, p) })
		})
		s.Forgot(t, ask[i].Account)
		<-every.C
	}
	submissions.Wait()
	<-minute

	s.work(t)
	each(t, ask, s.reads)
	each(t, ask, s.uses)
	each(t, all, s.isTold)
	each(t, all, s.ends)
	s.kill(t)
	s.Open(t, func(store *bolt.Store) { changedOnceEach(t, store, all) })
}
