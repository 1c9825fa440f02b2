package crash

import (
	"testing"

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
