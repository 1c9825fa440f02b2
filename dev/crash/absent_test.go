package crash

import (
	"net/http"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/site"
)

// security 23: for a minute there is no worker. Every request and every new password that
// comes in that time is accepted, and carried out when a worker starts.
func TestNoWorkerForAMinute(t *testing.T) {
	t.Parallel()
	s := &story{Site: site.New(t), release: func() {}}
	all := crowd(t, s.Site, 40)
	haveLinks, ask := all[:20], all[20:]
	s.Run(t, 0, "setup")
	s.work(t)
	s.starter, s.temporal = s.Starter(t, "REKEY_CLIENT_LIMIT=0"), s.Dial(t)
	each(haveLinks, func(p *person) { s.Forgot(t, p.Account); p.read(t, s.Site) })
	kill(t, s.worker)

	minute, every := time.After(time.Minute), time.NewTicker(2500*time.Millisecond)
	defer every.Stop()
	for i := range haveLinks {
		go func() { // the answer takes five seconds: a worker may come
			if a, err := s.Try("/account/reset_password/"+haveLinks[i].token, map[string]string{"password": newPassword}); err != nil || a.HTTP != http.StatusAccepted {
				t.Errorf("a password without a worker: %+v %v", a, err)
			}
		}()
		s.Forgot(t, ask[i].Account)
		<-every.C
	}
	<-minute

	s.work(t)
	each(ask, func(p *person) { p.read(t, s.Site); p.use(t, s.Site) })
	each(all, func(p *person) { s.Mails(t, p.Account, 2); s.ends(t, p.Account) })
	s.kill(t)
	s.Open(t, func(store *bolt.Store) { changedOnceEach(t, store, all) })
}
