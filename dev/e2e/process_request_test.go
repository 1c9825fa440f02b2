package e2e

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/workflow"
)

// awaitRefusal waits until the starter takes no more connections.
func awaitRefusal(t *testing.T, s *site.Site) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for late := time.After(patience); ; {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err != nil {
			return
		}
		conn.Close()
		select {
		case <-again.C:
		case <-late:
			t.Fatal("the starter takes connections after SIGTERM")
		}
	}
}

// pending lists the activities of an account's run that are not done.
func pending(t *testing.T, s *site.Site, who account.Account) []string {
	t.Helper()
	accounts, err := keys.Open(s.Keys()).AccountKeys()
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.Dial(t).DescribeWorkflowExecution(t.Context(), workflow.ResetPassword.ID(accounts.Key(who.Address)), "")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, a := range run.GetPendingActivities() {
		types = append(types, a.GetActivityType().GetName())
	}
	return types
}
