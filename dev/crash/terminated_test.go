package crash

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/failpoint"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/password"
)

// security 18, 23: the run is terminated while its worker is in the store's transaction, or
// just after it, and the worker is killed there. The transaction counts as a whole. The owner
// of a change is notified once. Without a change no notice is sent, and nothing is changed
// later.
func TestTerminatedInTheTransaction(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	server := postgrestest.Start(t)
	for at, changed := range map[string]bool{failpoint.BeforeCommit: false, failpoint.AfterCommit: true} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			s.terminatedAt(t, at, changed)
			s.kill(t)
			s.Open(t, func(store *bolt.Store) { s.tells(t, store, changed) })
		})
		t.Run(at+" on PostgreSQL", func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			store := s.onPostgres(t, server.Database(t))
			s.terminatedAt(t, at, changed)
			s.tells(t, store, changed)
		})
	}
}

// terminatedAt ends the run at a failpoint of its worker, and waits for the finishing run.
func (s *story) terminatedAt(t *testing.T, at string, changed bool) {
	t.Helper()
	stopped(at)(t, s)
	id := s.WorkflowID(t, s.who)
	run, err := s.temporal.DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.temporal.TerminateWorkflow(t.Context(), id, "", "a test"); err != nil {
		t.Fatal(err)
	}
	s.kill(t)
	s.work(t)
	want := site.Answer{HTTP: http.StatusOK, Status: "okay"}
	if !changed {
		want = site.Answer{HTTP: http.StatusBadRequest, Status: "error", Code: "link_ended"}
	}
	if a := s.Decide(t, s.token, newPassword); a.HTTP != want.HTTP || a.Status != want.Status || a.Code != want.Code {
		t.Errorf("reset_password: %+v, want %+v", a, want)
	}
	follows := flow.FinishID(run.GetWorkflowExecutionInfo().GetExecution().GetRunId())
	if err := s.temporal.GetWorkflow(t.Context(), follows, "").Get(t.Context(), nil); err != nil {
		t.Errorf("what follows the run: %v", err)
	}
}

// tells checks the mails, and that the store says the same.
func (s *story) tells(t *testing.T, store stored, changed bool) {
	t.Helper()
	notices, decided := 0, map[account.Event]int{}
	if changed {
		notices, decided = 1, map[account.Event]int{account.EventPasswordChanged: 1}
	}
	_, got := sorted(s.Mails(t, s.who, 1+notices))
	if len(got) != notices {
		t.Errorf("%d notices, want %d", len(got), notices)
	}
	if d := cmp.Diff(decided, decisions(t, store, s.who)); d != "" {
		t.Errorf("decisions (-want +got):\n%s", d)
	}
	now, err := store.Account(t.Context(), s.who.ID)
	if err != nil {
		t.Fatal(err)
	}
	if is, err := password.Verify(now.Credential, newPassword); is != changed || err != nil {
		t.Errorf("the new password is set: %t, want %t: %v", is, changed, err)
	}
}
