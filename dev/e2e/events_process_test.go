package e2e

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
)

// The settings of a worker are all that an application needs to be told, with addresses.
func TestWorkerTellsTheApplication(t *testing.T) {
	t.Parallel()
	s := site.Shared(t, shared.Server.Addr())
	s.Run(t, 0, "setup")
	app := &hostapp.Receiver{}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	secret := filepath.Join(t.TempDir(), "events.secret")
	if err := os.WriteFile(secret, []byte(hostapp.Secret(hostapp.Key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Worker(t, "REKEY_EVENTS_URL="+server.URL+"/rekey/events", "REKEY_EVENTS_SECRET_FILE="+secret, "REKEY_EVENTS_WITH_ADDRESS=true")
	s.Starter(t)
	who := s.People[0]
	s.Forgot(t, who)
	s.Insist(t, s.Token(t, who, 1), newPassword)
	process.Eventually(t, patience, "the events", func() bool { return len(toldOf(app, who)) == 2 })
	for _, e := range app.Events() {
		if e.Data.Address != who.Address {
			t.Errorf("the address in %s is %q", e.Type, e.Data.Address)
		}
	}
}
