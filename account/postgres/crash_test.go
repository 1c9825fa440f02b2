package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// crashing is a server that crashes while several workers change passwords.
type crashing struct {
	*testing.T
	server  *postgrestest.Server
	stores  []*postgres.Accounts
	changed atomic.Int64
	failed  atomic.Int64
	some    chan struct{} // for each that was changed
}

const (
	crowd   = 60
	crashes = 2
)

// security 23: the server crashes in the middle. Every call ends, with an error or not;
// repeated until it succeeds, each change was made once.
func TestServerCrashes(t *testing.T) {
	t.Parallel()
	c := &crashing{T: t, server: postgrestest.Start(t), some: make(chan struct{}, crowd+crashes)}
	url := c.server.Database(t)
	must(t, postgres.Migrate(t.Context(), postgres.Config{URL: url}, func(postgres.Migration) {}))
	c.stores = []*postgres.Accounts{openAt(t, url), openAt(t, url)}
	changes := c.mailed()
	var workers sync.WaitGroup
	defer workers.Wait()
	for i := range 6 {
		workers.Go(func() {
			for n := i; n < crowd; n += 6 {
				c.change(changes[n])
			}
		})
	}
	for _, caught := range changes[crowd:] {
		for range crowd / 4 {
			c.oneMore()
		}
		held := c.hold(url, caught.Submission)
		workers.Go(func() { c.change(caught) })
		connect(t, url).until(held)
		must(t, c.server.Kill())
		c.server.Restart(t)
	}
	workers.Wait()
	if c.failed.Load() == 0 {
		t.Error("no call failed: the server did not crash in the middle")
	}
	for _, change := range changes {
		c.changedOnce(change)
	}
}

// hold locks an account until the crash, whenever that comes. It returns the query for whether
// a session waits for it.
func (c *crashing) hold(url, id string) (held string) {
	c.Helper()
	holder := connect(c.T, url)
	holder.exec("BEGIN; SELECT FROM rekey.accounts WHERE id = '" + id + "' FOR UPDATE")
	return fmt.Sprintf("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %d = ANY (pg_blocking_pids(pid)))", holder.conn.PgConn().PID())
}

// oneMore waits until one more was changed.
func (c *crashing) oneMore() {
	c.Helper()
	select {
	case <-c.some:
	case <-time.After(2 * time.Minute):
		c.Fatal("nobody's password is changed any more")
	}
}

// mailed signs the crowd up, and one for each crash, and mails each a link.
func (c *crashing) mailed() (changes []account.Change) {
	c.Helper()
	for i := range crowd + crashes {
		a := ann()
		a.ID = fmt.Sprintf("person-%d", i)
		must(c, c.stores[0].Put(c.Context(), a))
		token := tokenOf(a, byte(i))
		must(c, issue(c.Context(), c.stores[0], token, 1))
		_, err := c.stores[0].NewSession(c.Context(), a.ID, a.Credential)
		must(c, err)
		change := changeBy(token)
		change.Submission = a.ID
		changes = append(changes, change)
	}
	return changes
}

// change repeats a change, as Temporal does, here and there.
func (c *crashing) change(change account.Change) {
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		owner, err := c.stores[i%2].ChangePassword(ctx, change)
		if err == nil && owner == change.Submission {
			c.changed.Add(1)
			c.some <- struct{}{}
			return
		}
		c.failed.Add(1)
		<-tick.C
	}
	c.Errorf("%s was never changed", change.Submission)
}

func (c *crashing) changedOnce(change account.Change) {
	c.Helper()
	owner, err := c.stores[0].ChangePassword(c.Context(), change)
	must(c, err)
	a, err := c.stores[1].Account(c.Context(), owner)
	must(c, err)
	log, err := c.stores[1].Audit(c.Context(), owner)
	must(c, err)
	if a.Credential != change.Hash || len(log) != 2 || log[1].Event != account.EventPasswordChanged {
		c.Errorf("%s: credential %s, audit log %v", owner, a.Credential, log)
	}
}
