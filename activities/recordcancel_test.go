package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
)

// security 43: a cancel is noted with its caller, in every state of the account.
func TestRecordCancel(t *testing.T) {
	t.Parallel()
	at := start.Add(time.Minute)
	disabled := ann
	disabled.Disabled = true
	twin := ann
	twin.ID = "twin"
	for name, tc := range map[string]struct {
		accounts []account.Account
		by       flow.Cancellation
		owner    string
		want     account.Entry
	}{
		"by the owner":           {[]account.Account{ann}, flow.Cancellation{LinkRun: run, Client: from}, ann.ID, account.Entry{Client: from, Detail: "by the owner, with the link in the mail"}},
		"by another run's owner": {[]account.Account{ann}, flow.Cancellation{LinkRun: "b7c1d8f0-0000-4000-8000-000000000000", Client: from}, ann.ID, account.Entry{Detail: "in Temporal"}},
		"in Temporal":            {[]account.Account{ann}, flow.Cancellation{}, ann.ID, account.Entry{Detail: "in Temporal"}},
		"by an operator":         {[]account.Account{ann}, flow.Cancellation{Operator: "a.smith", Meant: run}, ann.ID, account.Entry{Operator: "a.smith", Detail: "by an operator"}},
		"by one of another run":  {[]account.Account{ann}, flow.Cancellation{Operator: "a.smith", Meant: "b7c1d8f0-0000-4000-8000-000000000000"}, ann.ID, account.Entry{Detail: "in Temporal"}},
		"by one of any run":      {[]account.Account{ann}, flow.Cancellation{Operator: "a.smith"}, ann.ID, account.Entry{Detail: "in Temporal"}},
		"by one without a name":  {[]account.Account{ann}, flow.Cancellation{Meant: run}, ann.ID, account.Entry{Detail: "in Temporal"}},
		"of a disabled":          {[]account.Account{disabled}, flow.Cancellation{}, ann.ID, account.Entry{Detail: "in Temporal"}},
		"of nobody":              {nil, flow.Cancellation{LinkRun: run, Client: from}, "", account.Entry{}},
		"of nobody, by operator": {nil, flow.Cancellation{Operator: "a.smith", Meant: run}, "", account.Entry{Operator: "a.smith", Detail: "by an operator"}},
		"of more than one":       {[]account.Account{ann, twin}, flow.Cancellation{}, "", account.Entry{Detail: "in Temporal"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tc.accounts...)
			tc.by.Run, tc.by.Address, tc.by.At = run, ann.Address, at
			_, err := s.attempt(t, "record-cancel", tc.by, nil, nil)
			must(t, err)
			tc.want.At, tc.want.Event, tc.want.Run, tc.want.AccountID = at, account.EventResetCanceled, run, tc.owner
			got, err := s.store.Audit(t.Context(), tc.owner)
			must(t, err)
			want := []account.Entry{tc.want}
			if tc.want.Detail == "" { // an unknown address leaves no line
				want = nil
			}
			diff(t, "audit log", got, want)
		})
	}
}

// security 43: after a workflow reset the run has another ID than the records. Links from before
// the reset name the one, later links the other, and both are the owner's.
func TestRecordCancelAfterAWorkflowReset(t *testing.T) {
	t.Parallel()
	const now = "5c2e9d10-0000-4000-8000-000000000000"
	for name, link := range map[string]string{"a link of before": run, "a link of after": now} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, ann)
			s.run.RunID = now
			_, err := s.attempt(t, "record-cancel", flow.Cancellation{Run: run, Sender: now, Address: ann.Address, At: start, LinkRun: link, Client: from}, nil, nil)
			must(t, err)
			got, err := s.store.Audit(t.Context(), ann.ID)
			must(t, err)
			diff(t, "audit log", got, []account.Entry{{
				At: start, Event: account.EventResetCanceled, Run: run, AccountID: ann.ID,
				Client: from, Detail: "by the owner, with the link in the mail",
			}})
		})
	}
	for name, meant := range map[string]string{"an operator before": run, "an operator after": now} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, ann)
			s.run.RunID = now
			_, err := s.attempt(t, "record-cancel", flow.Cancellation{Run: run, Sender: now, Address: ann.Address, At: start, Operator: "a.smith", Meant: meant}, nil, nil)
			must(t, err)
			got, err := s.store.Audit(t.Context(), ann.ID)
			must(t, err)
			diff(t, "audit log", got, []account.Entry{{
				At: start, Event: account.EventResetCanceled, Run: run, AccountID: ann.ID,
				Operator: "a.smith", Detail: "by an operator",
			}})
		})
	}
}

// A store that is away does not mean an unknown address: the line is tried again.
func TestRecordCancelWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]awayStore{"to be read": {reads: errAway}, "to be written": {writes: errAway}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, ann)
			away.Store, s.Store = s.store, &away
			cancel := flow.Cancellation{Run: run, Address: ann.Address, At: start, LinkRun: run, Client: from}
			if _, err := s.attempt(t, "record-cancel", cancel, nil, nil); err == nil {
				t.Error("the line is lost")
			}
			s.audited(t, ann.ID)
			s.audited(t, "")
		})
	}
}

var errAway = errors.New("the store is away")

// awayStore answers with errors where it has any.
type awayStore struct {
	account.Store
	reads, writes error
}

func (a *awayStore) Find(ctx context.Context, address string) ([]account.Account, error) {
	if a.reads != nil {
		return nil, a.reads
	}
	return a.Store.Find(ctx, address)
}

func (a *awayStore) Record(ctx context.Context, e account.Entry) error {
	if a.writes != nil {
		return a.writes
	}
	return a.Store.Record(ctx, e)
}
