package one

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/password"
)

// Runs and accounts are in PostgreSQL, whose tables of rekey the process makes. A backup names the
// data that the folder does not have.
func TestPostgres(t *testing.T) {
	t.Parallel()
	s := site.One(t)
	server := postgrestest.Start(t)
	url := server.Database(t)
	s.Env = append(s.Env, "REKEY_STORE="+url, "REKEY_TEMPORAL_DB="+server.Database(t))
	p := s.StartOne(t)
	p.Await(t, p.Err, "schema rekey migrated")
	store, err := postgres.OpenAccounts(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.PutMany(t.Context(), s.People); err != nil {
		t.Fatal(err)
	}
	erin := s.People[0]
	s.Forgot(t, erin)
	token := s.Token(t, erin, 1)
	stop(t, p)
	p = s.StartOne(t)
	if strings.Contains(p.Err.String(), "migrated") {
		t.Error("the tables were made twice")
	}
	s.Insist(t, token, newPassword)
	s.Mails(t, erin, 2)
	out := s.Run(t, 0, "one", "backup", filepath.Join(t.TempDir(), "monday")).Out.String()
	for _, want := range []string{"Temporal's runs are in PostgreSQL", "rekey's records are in PostgreSQL", "keys/link.json"} {
		if !strings.Contains(out, want) {
			t.Errorf("the backup says %s, want %q", out, want)
		}
	}
	stop(t, p)
	now, err := store.Account(t.Context(), erin.ID)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := password.Verify(now.Credential, newPassword); !right || err != nil {
		t.Errorf("the password was not changed: %v", err)
	}
}
