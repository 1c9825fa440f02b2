package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/postgres"
	"github.com/rekeyhq/rekey/account/storetest"
	"github.com/rekeyhq/rekey/internal/testkit/postgrestest"
)

// several is one store to the suite and takes the next of several for each call. Calls that
// race in the suite race between pools, as they do between workers.
type several struct {
	stores []*postgres.Accounts
	calls  atomic.Int64
}

var (
	_ storetest.Harness = (*several)(nil)
	_ account.Lister    = (*several)(nil)
)

func (s *several) next() *postgres.Accounts {
	return s.stores[int(s.calls.Add(1))%len(s.stores)]
}

// security 5, 23: several stores on one database pass the suite of every store.
func TestStore(t *testing.T) {
	t.Parallel()
	stores := postgrestest.NewShelf(t, func() (string, *several) {
		url := migrated(t)
		return url, &several{stores: []*postgres.Accounts{openAt(t, url), openAt(t, url), openAt(t, url)}}
	})
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		t.Helper()
		return stores.Take(t)
	})
}

func (s *several) Find(ctx context.Context, address string) ([]account.Account, error) {
	return s.next().Find(ctx, address)
}

func (s *several) Account(ctx context.Context, id string) (account.Account, error) {
	return s.next().Account(ctx, id)
}

func (s *several) IssueToken(ctx context.Context, t account.TokenRecord, limit int) (account.Issued, error) {
	return s.next().IssueToken(ctx, t, limit)
}

func (s *several) RevokeToken(ctx context.Context, key account.RecordKey, at time.Time) error {
	return s.next().RevokeToken(ctx, key, at)
}

func (s *several) Complained(ctx context.Context, e account.Entry) error {
	return s.next().Complained(ctx, e)
}

func (s *several) ChangePassword(ctx context.Context, c account.Change) (string, error) {
	return s.next().ChangePassword(ctx, c)
}

func (s *several) Block(ctx context.Context, b account.Block) error { return s.next().Block(ctx, b) }

func (s *several) Accounts(ctx context.Context, after string, limit int) ([]account.Account, error) {
	return s.next().Accounts(ctx, after, limit)
}

func (s *several) Notice(ctx context.Context, run, submission string) (account.Notice, error) {
	return s.next().Notice(ctx, run, submission)
}

func (s *several) Tell(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (account.Notice, error) {
	return s.next().Tell(ctx, submission, what, address, at)
}

func (s *several) Owed(ctx context.Context, before time.Time, most int) ([]account.Notice, error) {
	return s.next().Owed(ctx, before, most)
}

func (s *several) End(ctx context.Context, run string, at time.Time) (account.Notice, error) {
	return s.next().End(ctx, run, at)
}

func (s *several) Record(ctx context.Context, e account.Entry) error { return s.next().Record(ctx, e) }

func (s *several) Sweep(ctx context.Context, before time.Time) (int, error) {
	return s.next().Sweep(ctx, before)
}

func (s *several) SweepAudit(ctx context.Context, now time.Time, keep time.Duration) (int, error) {
	return s.next().SweepAudit(ctx, now, keep)
}

func (s *several) Entries(ctx context.Context, f account.Filter) ([]account.Entry, error) {
	return s.next().Entries(ctx, f)
}

func (s *several) Forget(ctx context.Context, id string, by account.Entry) (account.Forgotten, error) {
	return s.next().Forget(ctx, id, by)
}

func (s *several) Close() error { return nil }

func (s *several) Put(ctx context.Context, a account.Account) error { return s.next().Put(ctx, a) }

func (s *several) Delete(ctx context.Context, id string) error { return s.next().Delete(ctx, id) }

func (s *several) NewSession(ctx context.Context, id, credential string) (string, error) {
	return s.next().NewSession(ctx, id, credential)
}

func (s *several) Session(ctx context.Context, sid string) (account.Account, error) {
	return s.next().Session(ctx, sid)
}

func (s *several) Audit(ctx context.Context, id string) ([]account.Entry, error) {
	return s.next().Audit(ctx, id)
}
