package topology

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/password"
)

// blow is an event after so many resets, while others are in progress.
type blow struct {
	after int
	what  string
	do    func(*testing.T, *fleet, *postgrestest.Server)
}

func blows() []blow {
	return []blow{
		{40, "a worker is killed", killWorker(0)},
		{80, "a starter is killed", killStarter(0)},
		{120, "the other worker is killed", killWorker(1)},
		{160, "the other starter is killed", killStarter(1)},
		{200, "the database restarts", restart},
		{260, "a worker is killed again", killWorker(0)},
		{300, "a starter is killed again", killStarter(0)},
		{340, "Temporal is killed", killTemporal},
		{400, "the other worker is killed again", killWorker(1)},
		{440, "the other starter is killed again", killStarter(1)},
	}
}

func killWorker(n int) func(*testing.T, *fleet, *postgrestest.Server) {
	return func(t *testing.T, f *fleet, _ *postgrestest.Server) {
		t.Helper()
		f.workers[n].Kill(t)
		f.startWorker(t, n)
	}
}

func killStarter(n int) func(*testing.T, *fleet, *postgrestest.Server) {
	return func(t *testing.T, f *fleet, _ *postgrestest.Server) {
		t.Helper()
		f.starters[n].Kill(t)
		f.startStarter(t, n)
	}
}

func killTemporal(t *testing.T, f *fleet, _ *postgrestest.Server) {
	t.Helper()
	f.Temporal.Kill(t)
	f.StartTemporal(t)
}

// restart is `pg_ctl restart -m immediate`.
func restart(t *testing.T, _ *fleet, cluster *postgrestest.Server) {
	t.Helper()
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	cluster.Restart(t)
}

// security 23: two workers, two starters, Temporal and accounts on PostgreSQL. While 500 people
// reset their passwords, each process is killed and started again, and the database too. Every
// reset that was accepted is carried out, once.
func TestKilledInProduction(t *testing.T) {
	suite.Long(t)
	t.Parallel()
	const resets, atOnce = 500, 24
	cluster := postgrestest.Start(t)
	f := newFleet(t, cluster.URL("temporal"), cluster.Database(t), 2)
	people := f.settle(t, resets)
	done, failed := make(chan struct{}, resets), make(chan error, 1)
	var running sync.WaitGroup
	running.Go(func() {
		err := each(t, people, atOnce, func(ctx context.Context, p *person) error {
			err := f.reset(ctx, p)
			if err == nil {
				done <- struct{}{}
			}
			return err
		})
		if err != nil {
			failed <- err
		}
	})
	t.Cleanup(running.Wait) // when the test fails, its context ends them
	began, count := time.Now(), 0
	until := func(n int) {
		for late := time.After(patience); count < n; count++ {
			select {
			case <-done:
			case err := <-failed:
				t.Fatal(err)
			case <-late:
				t.Fatalf("%d resets are done, not %d", count, n)
			}
		}
	}
	for _, b := range blows() {
		until(b.after)
		t.Logf("%v: %d resets are done, %s", time.Since(began).Round(time.Second), count, b.what)
		b.do(t, f, cluster)
	}
	until(resets)
	t.Logf("%v: all are done", time.Since(began).Round(time.Second))
	if t.Failed() {
		return
	}
	for i, p := range people {
		p.hashed = i%5 == 0
		f.isEnded(t, p)
	}
	_ = each(t, people, atOnce, func(_ context.Context, p *person) error { // none returns an error
		f.isDone(t, p)
		return nil
	})
	t.Logf("%v: all are checked", time.Since(began).Round(time.Second))
}

// isEnded checks how the run of a reset ended. A starter that is killed may have passed its request
// on, and then it is repeated. A repetition in the moment of the submission has a run of its own, with
// another link mail (docs/adr/0534-a-repeat-looks-at-the-run.md).
func (f *fleet) isEnded(t *testing.T, p *person) {
	t.Helper()
	state := ""
	process.Succeeds(t, patience, "the end of the run of "+p.ID, func() error {
		last := f.Describe(t, f.temporal, p.Account, "")
		first := last.GetFirstRunId()
		p.again = last.GetExecution().GetRunId() != first
		if state = site.StateOf(f.Describe(t, f.temporal, p.Account, first)); state != "" {
			return nil
		}
		return fmt.Errorf("it has %d events", last.GetHistoryLength())
	})
	if state != "completed" {
		t.Errorf("%s: the run ended %s", p.ID, state)
	}
}

// isDone checks that a reset was carried out, and once.
func (f *fleet) isDone(t *testing.T, p *person) {
	t.Helper()
	f.isChangedOnce(t, p)
	f.isTold(t, p)
}

// isChangedOnce looks into the store.
func (f *fleet) isChangedOnce(t *testing.T, p *person) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	now, err := f.accounts.Account(ctx, p.ID)
	if err != nil {
		t.Error(err)
	}
	if now.Credential == p.Credential {
		t.Errorf("%s has the password of before", p.ID)
	}
	if p.hashed {
		if right, err := password.Verify(now.Credential, newPassword); !right || err != nil {
			t.Errorf("%s has another password: %v", p.ID, err)
		}
	}
	if _, err := f.accounts.Session(ctx, p.session); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("%s is signed in as before: %v", p.ID, err)
	}
	log, err := f.accounts.Audit(ctx, p.ID)
	if err != nil {
		t.Error(err)
	}
	changes := 0
	for _, e := range log {
		switch e.Event {
		case account.EventPasswordChanged:
			changes++
		case account.EventMailIssued, account.EventMailRevoked:
		case account.EventMailWithheld, account.EventChangeRefused, account.EventResetCanceled,
			account.EventResetEnded, account.EventPasswordBlocked, account.EventPasswordSet, account.EventApplied,
			account.EventNoticeFailed, account.EventEventFailed, account.EventForgotten, account.EventMailBounced, account.EventMailComplaint:
			t.Errorf("%s: %s %s", p.ID, e.Event, e.Detail)
		}
	}
	if changes != 1 {
		t.Errorf("%s: %d changes, want 1", p.ID, changes)
	}
}

// isTold looks at the mails: one with a link and one notice, however often each came. No
// link is good any more.
func (f *fleet) isTold(t *testing.T, p *person) {
	t.Helper()
	var links, notices []string
	mails, err := f.Mail.Wait(t.Context(), p.Address, 1)
	if err != nil {
		t.Errorf("%s: %v", p.ID, err)
	}
	for _, m := range mails {
		found := site.ResetLink.FindStringSubmatch(m.Text)
		if found == nil {
			notices = append(notices, m.MessageID)
			continue
		}
		if p.again && len(links) > 0 && m.MessageID != links[0] {
			continue // of the other run
		}
		links = append(links, m.MessageID)
		if a := f.look(found[1]); a.State != "changed" {
			t.Errorf("%s: a mailed link is %+v", p.ID, a)
		}
		if !p.hashed {
			continue
		}
		a, err := f.Try("/account/reset_password/"+found[1], map[string]string{"password": otherPassword})
		if a.HTTP != http.StatusBadRequest || a.Code != "link_used" {
			t.Errorf("%s: a mailed link with another password: %+v, %v", p.ID, a, err)
		}
	}
	if err := errors.Join(oneMail("link mails", links), oneMail("notices", notices)); err != nil {
		t.Errorf("%s: %v", p.ID, err)
	}
}

// oneMail checks that all mails of a kind are one mail, which came once or more.
func oneMail(kind string, ids []string) error {
	for _, id := range ids {
		if id == "" || id != ids[0] {
			return fmt.Errorf("%s with the Message-IDs %q, want one", kind, ids)
		}
	}
	if len(ids) == 0 {
		return fmt.Errorf("no %s", kind)
	}
	return nil
}
