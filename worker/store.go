package worker

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/internal/span"
)

// watchedStore counts and traces the activities' calls of a store. It records the name of the
// method and its result.
type watchedStore struct {
	account.Store
	metrics client.MetricsHandler
}

// watch wraps a store and makes its counters known before the first fault.
func watch(store account.Store, metrics client.MetricsHandler) account.Store {
	s := watchedStore{store, metrics}
	for _, op := range []string{"find", "account", "issue_token", "revoke_token", "change_password", "notice", "tell", "owed", "end", "record", "complained", "sweep", "block", "accounts"} {
		s.faults(op).Inc(0)
	}
	return s
}

func (s watchedStore) faults(op string) client.MetricsCounter {
	return s.metrics.WithTags(map[string]string{"operation": op}).Counter("rekey_store_faults")
}

// begin times a call; end takes its error.
func (s watchedStore) begin(ctx context.Context, op string) (_ context.Context, end func(*error)) {
	began := time.Now()
	ctx, endSpan := span.Start(ctx, "store "+op)
	return ctx, func(err *error) {
		result := resultOf(*err)
		if result == "fault" {
			s.faults(op).Inc(1)
			*err = activities.StoreFault{Err: *err}
		}
		endSpan(result, result == "fault")
		s.metrics.WithTags(map[string]string{"operation": op, "result": result}).
			Timer("rekey_store_operation_duration").Record(time.Since(began))
	}
}

// resultOf tells a store's answer from its faults.
func resultOf(err error) string {
	for _, answer := range []error{account.ErrNotFound, account.ErrMailLimit, account.ErrTooManyCopies, account.ErrTokenUnknown, account.ErrRefused, account.ErrNotListed} {
		if errors.Is(err, answer) {
			return "declined"
		}
	}
	if err != nil {
		return "fault"
	}
	return "okay"
}

// Find implements account.Store.
func (s watchedStore) Find(ctx context.Context, address string) (found []account.Account, err error) {
	ctx, end := s.begin(ctx, "find")
	defer end(&err)
	return s.Store.Find(ctx, address)
}

// Account implements account.Store.
func (s watchedStore) Account(ctx context.Context, id string) (found account.Account, err error) {
	ctx, end := s.begin(ctx, "account")
	defer end(&err)
	return s.Store.Account(ctx, id)
}

// IssueToken implements account.Store.
func (s watchedStore) IssueToken(ctx context.Context, t account.TokenRecord, limit int) (issued account.Issued, err error) {
	ctx, end := s.begin(ctx, "issue_token")
	defer end(&err)
	return s.Store.IssueToken(ctx, t, limit)
}

// RevokeToken implements account.Store.
func (s watchedStore) RevokeToken(ctx context.Context, key account.RecordKey, at time.Time) (err error) {
	ctx, end := s.begin(ctx, "revoke_token")
	defer end(&err)
	return s.Store.RevokeToken(ctx, key, at)
}

// ChangePassword implements account.Store.
func (s watchedStore) ChangePassword(ctx context.Context, c account.Change) (id string, err error) {
	ctx, end := s.begin(ctx, "change_password")
	defer end(&err)
	return s.Store.ChangePassword(ctx, c)
}

// Begin implements account.Using, of a store that is one: see checkFlows.
func (s watchedStore) Begin(ctx context.Context, c account.Change) (t account.TokenRecord, applied bool, err error) {
	ctx, end := s.begin(ctx, "change_password")
	defer end(&err)
	return s.Store.(account.Using).Begin(ctx, c)
}

// Finish implements account.Using. Both are parts of a change.
func (s watchedStore) Finish(ctx context.Context, c account.Change, a account.Account) (err error) {
	ctx, end := s.begin(ctx, "change_password")
	defer end(&err)
	return s.Store.(account.Using).Finish(ctx, c, a)
}

// Notice implements account.Store.
func (s watchedStore) Notice(ctx context.Context, run, submission string) (n account.Notice, err error) {
	ctx, end := s.begin(ctx, "notice")
	defer end(&err)
	return s.Store.Notice(ctx, run, submission)
}

// Tell implements account.Store.
func (s watchedStore) Tell(ctx context.Context, submission string, what account.Telling, address string, at time.Time) (n account.Notice, err error) {
	ctx, end := s.begin(ctx, "tell")
	defer end(&err)
	return s.Store.Tell(ctx, submission, what, address, at)
}

// Owed implements account.Store.
func (s watchedStore) Owed(ctx context.Context, before time.Time, most int) (found []account.Notice, err error) {
	ctx, end := s.begin(ctx, "owed")
	defer end(&err)
	return s.Store.Owed(ctx, before, most)
}

// End implements account.Store.
func (s watchedStore) End(ctx context.Context, run string, at time.Time) (n account.Notice, err error) {
	ctx, end := s.begin(ctx, "end")
	defer end(&err)
	return s.Store.End(ctx, run, at)
}

// Record implements account.Store.
func (s watchedStore) Record(ctx context.Context, e account.Entry) (err error) {
	ctx, end := s.begin(ctx, "record")
	defer end(&err)
	return s.Store.Record(ctx, e)
}

// Complained implements account.Store.
func (s watchedStore) Complained(ctx context.Context, e account.Entry) (err error) {
	ctx, end := s.begin(ctx, "complained")
	defer end(&err)
	return s.Store.Complained(ctx, e)
}

// Sweep implements account.Store.
func (s watchedStore) Sweep(ctx context.Context, before time.Time) (n int, err error) {
	ctx, end := s.begin(ctx, "sweep")
	defer end(&err)
	return s.Store.Sweep(ctx, before)
}

// SweepAudit implements account.Store.
func (s watchedStore) SweepAudit(ctx context.Context, now time.Time, keep time.Duration) (n int, err error) {
	ctx, end := s.begin(ctx, "sweep")
	defer end(&err)
	return s.Store.SweepAudit(ctx, now, keep)
}
