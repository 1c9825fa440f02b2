package crash

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/internal/failpoint"
	"github.com/rekeyhq/rekey/internal/testkit/hostapp"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/password"
)

// beside moves the accounts of a site into an application behind a URL.
func (s *story) beside(t *testing.T) (app *hostapp.App, ledger string) {
	t.Helper()
	app = hostapp.New()
	for _, a := range s.People {
		if err := app.Put(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	secret, ledger := filepath.Join(dir, "users.secret"), filepath.Join(dir, "ledger.db")
	if err := os.WriteFile(secret, []byte(hostapp.Secret(hostapp.Key)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Env = append(s.Env, "REKEY_STORE="+ledger, "REKEY_USERS_URL="+server.URL+"/rekey", "REKEY_USERS_SECRET_FILE="+secret)
	return app, ledger
}

// Where the change of a password stands still at the application.
const (
	beforeRead   = "before it reads the account" // the ledger has noted that the submission began
	beforeChange = "before the change"
	beforeAnswer = "before its answer" // the password is changed
)

// stopsAt stops the next request of a change there, until the worker is killed. Requests before arm
// is called go on, and so do later ones.
func (s *story) stopsAt(app *hostapp.App, at string) (arm func(), stopped <-chan struct{}) {
	arrived, killed := make(chan struct{}), make(chan struct{})
	var armed atomic.Bool
	stop := func(at string) {
		if armed.CompareAndSwap(true, false) {
			close(arrived)
			<-killed
			if at != beforeAnswer {
				panic(http.ErrAbortHandler) // the request never came
			}
		}
	}
	app.Before = func(request string) {
		if at == beforeRead && request == "account" || at == beforeChange && request == "change" {
			stop(at)
		}
	}
	app.After = func(request string) {
		if at == beforeAnswer && request == "change" {
			stop(at)
		}
	}
	s.release = func() { close(killed) }
	return func() { armed.Store(true) }, arrived
}

// changing is a story whose change stands still there.
func changing(t *testing.T, at string) (s *story, app *hostapp.App, ledger string) {
	t.Helper()
	s = begin(t)
	app, ledger = s.beside(t)
	arm, stopped := s.stopsAt(app, at)
	s.work(t)
	s.ask(t)
	s.open(t, 1)
	arm()
	s.send()
	process.Happens(t, patience, stopped, "the change at the application")
	return s, app, ledger
}

// security 23: the worker is killed at every step between the application and the ledger. The
// change is made once, the owner is notified, and no link is left.
func TestWorkerBesideAnApplicationIsKilled(t *testing.T) {
	t.Parallel()
	for _, at := range []string{beforeRead, beforeChange, beforeAnswer} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			if at != beforeAnswer {
				suite.Long(t)
			}
			s, app, path := changing(t, at)
			s.kill(t)
			s.goesOn(t, app, path)
		})
	}
	t.Run("after the ledger's note", func(t *testing.T) {
		suite.Long(t)
		t.Parallel()
		s := begin(t)
		app, path := s.beside(t)
		stopped(failpoint.AfterCommit)(t, s)
		s.kill(t)
		s.goesOn(t, app, path)
	})
}

// goesOn starts another worker, which completes the reset.
func (s *story) goesOn(t *testing.T, app *hostapp.App, ledger string) {
	t.Helper()
	s.work(t)
	s.Insist(t, s.token, newPassword)
	process.Eventually(t, patience, "the end of the run", func() bool { return s.State(t, s.temporal, s.who) == "completed" })
	s.changedBeside(t, app, ledger)
}

// security 18, 23: the run is terminated while the application has changed the password and not
// answered, and the worker is killed. Nobody uses a link again, and the owner is notified.
func TestTerminatedBesideAnApplication(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	s, app, path := changing(t, beforeAnswer)
	if err := s.temporal.TerminateWorkflow(t.Context(), s.WorkflowID(t, s.who), "", "a test"); err != nil {
		t.Fatal(err)
	}
	s.kill(t)
	s.work(t)
	s.changedBeside(t, app, path)
}

// changedBeside waits for the notice and checks both sides.
func (s *story) changedBeside(t *testing.T, app *hostapp.App, ledger string) {
	t.Helper()
	s.Mails(t, s.who, 2)
	s.kill(t)
	now, err := app.Account(t.Context(), s.who.ID)
	if err != nil {
		t.Fatal(err)
	}
	if right, err := password.Verify(now.Credential, newPassword); !right || err != nil {
		t.Errorf("the application has another password: %v", err)
	}
	kept, err := bolt.OpenLedger(ledger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	store := account.Beside(app, kept)
	changedOnce(t, audited{store}, s.who)
}

// audited is a store with the audit log of its ledger.
type audited struct{ account.Store }

func (a audited) Audit(ctx context.Context, accountID string) ([]account.Entry, error) {
	return a.Store.(account.Archive).Entries(ctx, account.Filter{AccountIDs: []string{accountID}})
}
