package postgres_test

import (
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
)

// A worker whose clock is days ahead deletes nothing that lives: the clock of the database
// counts too. A worker whose clock is behind deletes no more than it requests.
func TestSweepHeedsTheDatabasesClock(t *testing.T) {
	t.Parallel()
	s := openAt(t, migrated(t))
	must(t, s.Put(t.Context(), ann()))
	now, err := s.Now(t.Context())
	must(t, err)
	if off := time.Since(now).Abs(); off > time.Hour { // one machine, one clock
		t.Errorf("the database's clock is off by %v", off)
	}
	for key, age := range []time.Duration{0, account.Kept - time.Hour, account.Kept + time.Hour} {
		token := tokenOf(ann(), byte(key))
		token.Issued, token.Expires = now.Add(-age), now.Add(-age)
		must(t, issue(t.Context(), s, token, 10))
	}
	for _, step := range []struct {
		before time.Duration
		want   int
	}{{-30 * 24 * time.Hour, 0}, {8 * 24 * time.Hour, 2}} { // the token and its mail
		swept, err := s.Sweep(t.Context(), now.Add(step.before))
		must(t, err)
		if swept != step.want {
			t.Errorf("before %v: swept %d, want %d", step.before, swept, step.want)
		}
	}
}
