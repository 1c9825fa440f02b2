package crash

import (
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/failpoint"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
)

// security 23: a worker is killed inside its transaction in PostgreSQL and after it, while
// another one runs. That one ends the reset, and the password changed once.
func TestWorkerOnPostgresIsKilled(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	server := postgrestest.Start(t)
	for _, at := range []string{failpoint.BeforeCommit, failpoint.AfterCommit} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			store := s.onPostgres(t, server.Database(t))
			stopped(at)(t, s)
			s.Worker(t)
			s.kill(t)
			s.Insist(t, s.token, newPassword)
			process.Eventually(t, patience, "the end of the run", func() bool { return s.State(t, s.temporal, s.who) == "completed" })
			s.Mails(t, s.who, 2)
			changedOnce(t, store, s.who)
		})
	}
}

// onPostgres moves the accounts of a site into a database.
func (s *story) onPostgres(t *testing.T, url string) *postgres.Accounts {
	t.Helper()
	s.Env = append(s.Env, "REKEY_STORE="+url)
	s.Run(t, 0, "migrate")
	store, err := postgres.OpenAccounts(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.PutMany(t.Context(), s.People); err != nil {
		t.Fatal(err)
	}
	return store
}
