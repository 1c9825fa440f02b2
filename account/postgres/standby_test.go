package postgres_test

import (
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// A standby answers look-ups and takes no change. A worker does not start there, and one whose
// server became a standby is not ready. Both errors name the remedy.
func TestStandby(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t)
	url := server.Database(t)
	must(t, postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {}))
	s := openAt(t, url)
	must(t, s.Check(t.Context()))
	must(t, server.Kill())
	server.Standby(t)
	_ = s.Check(t.Context()) // finds the connections broken
	if _, err := s.Find(t.Context(), "ann@example.com"); err != nil {
		t.Errorf("a look-up: %v", err)
	}
	started, err := postgres.OpenAccounts(t.Context(), postgres.Config{URL: url})
	if err == nil {
		must(t, started.Close())
	}
	for what, err := range map[string]error{"check": s.Check(t.Context()), "change": s.Record(t.Context(), entry()), "start": err} {
		if err == nil || !strings.Contains(err.Error(), "target_session_attrs=read-write") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
