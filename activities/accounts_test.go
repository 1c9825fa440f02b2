package activities_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/statemachine"
	"github.com/rekeyhq/rekey/workflow"
)

// lister lists accounts that are in the order of their IDs.
type lister struct {
	all  []account.Account
	fail error
	asks int
}

func (l *lister) Accounts(ctx context.Context, after string, limit int) ([]account.Account, error) {
	l.asks++
	if l.fail != nil {
		return nil, l.fail
	}
	i, found := slices.BinarySearchFunc(l.all, after, func(a account.Account, id string) int { return strings.Compare(a.ID, id) })
	if found {
		i++
	}
	return l.all[i:min(i+limit, len(l.all))], ctx.Err()
}

// fit are accounts a forced reset can be begun for.
func fit(n int) account.Account {
	id := fmt.Sprintf("user%04d", n)
	return account.Account{ID: id, Address: id + "@Example.com", Credential: "$argon2id$old", Resettable: true}
}

// unfit are all others, behind a closed account, whose password is blocked too.
func unfit() []account.Account {
	disabled, alien, empty, odd := fit(9001), fit(9002), fit(9003), fit(9004)
	disabled.Disabled, alien.Resettable, empty.Credential, odd.Address = true, false, "!", "nobody"
	return []account.Account{disabled, alien, empty, odd}
}

// newCampaignSite is a site that can carry out campaigns, of 12 accounts.
func newCampaignSite(t *testing.T) (*site, *lister) {
	t.Helper()
	var all []account.Account
	for n := range 8 {
		all = append(all, fit(n))
	}
	all = append(all, unfit()...)
	s := newSite(t, all[:11]...) // the store of the tests takes no address that is none
	l := &lister{all: all}
	s.Lister = l
	path := t.TempDir() + "/keys"
	must(t, keys.Create(path, false))
	var err error
	s.AccountKeys, err = keys.Open(path).AccountKeys()
	must(t, err)
	return s, l
}

func (s *site) listing(t *testing.T, name string, l workflow.Listing) (p workflow.Page, err error) {
	t.Helper()
	_, err = s.attempt(t, name, l, &p, nil)
	return p, err
}

// forced is an account as a campaign gets it.
func (s *site) forced(n int) workflow.Forced {
	address := fmt.Sprintf("user%04d@example.com", n)
	return workflow.Forced{Key: s.AccountKeys.Key(address), ID: fmt.Sprintf("user%04d", n), Address: address}
}

// All pages together have each account that can be forced, and count the others.
func TestListAccounts(t *testing.T) {
	t.Parallel()
	s, _ := newCampaignSite(t)
	l := workflow.Listing{Run: run, Sender: run, Number: 1, Limit: 5}
	want := []workflow.Page{
		{Of: run + "/1", At: start, Next: "user0004"},
		{Of: run + "/2", At: start, Next: "user9002", Unfit: 1},
		{Of: run + "/3", At: start, Next: "user9004", Unfit: 2},
		{Of: run + "/4", At: start, Last: true},
	}
	for n := range 8 {
		want[n/5].Accounts = append(want[n/5].Accounts, s.forced(n))
	}
	want[1].Accounts = append(want[1].Accounts, s.forced(9001))
	for _, w := range want {
		got, err := s.listing(t, "list-accounts", l)
		must(t, err)
		diff(t, "page", got, w)
		l.After, l.Number = got.Next, l.Number+1
	}
}

// The addresses of a list are looked up. One with another spelling of the store is found, and an
// address of nobody is counted.
func TestListAddresses(t *testing.T) {
	t.Parallel()
	s, l := newCampaignSite(t)
	in := workflow.Listing{Run: run, Sender: run, Number: 1, Limit: 5, Addresses: []string{
		"user0003@example.com", "nobody@example.com", "user9001@example.com", "user9002@example.com",
		"user9003@example.com", "user0001@example.com",
	}}
	// The caller compares again which of the accounts have the address.
	watch(s).find = func(found []account.Account) []account.Account { return append([]account.Account{fit(8)}, found...) }
	want := workflow.Page{Of: run + "/1", At: start, Unfit: 3, Accounts: []workflow.Forced{s.forced(3), s.forced(9001), s.forced(1)}}
	for i := range want.Accounts {
		want.Accounts[i].ID = "" // a list goes by its addresses
	}
	for _, s.Lister = range []account.Lister{l, nil} {
		got, err := s.listing(t, "list-accounts", in)
		must(t, err)
		diff(t, "page", got, want)
	}
	got, err := s.listing(t, "count-accounts", in)
	must(t, err)
	diff(t, "count", got, workflow.Page{Of: run + "/1", At: start, Unfit: 3, Total: 3})
}

// The count reads all pages, and returns no account.
func TestCountAccounts(t *testing.T) {
	t.Parallel()
	s, l := newCampaignSite(t)
	for n := range 2_500 {
		l.all = append(l.all, fit(10_000+n))
	}
	slices.SortFunc(l.all, func(a, b account.Account) int { return strings.Compare(a.ID, b.ID) })
	got, err := s.listing(t, "count-accounts", workflow.Listing{Run: run, Sender: run})
	must(t, err)
	diff(t, "count", got, workflow.Page{Of: run + "/0", At: start, Unfit: 3, Total: 2_509})
	if l.asks != 4 {
		t.Errorf("%d pages were read", l.asks)
	}
	got, err = s.listing(t, "count-accounts", workflow.Listing{Run: run, Sender: run, After: "user9003"})
	must(t, err)
	diff(t, "count after an account", got.Total, 0)
}

// security 27: a listing that was copied to another run lists nothing.
func TestListingOfAnotherRun(t *testing.T) {
	t.Parallel()
	s, l := newCampaignSite(t)
	for _, name := range []string{"list-accounts", "count-accounts"} {
		for what, in := range map[string]workflow.Listing{
			"another run": {Run: "another", Sender: "another", Limit: 5},
			"no run":      {Limit: 5},
		} {
			if p, err := s.listing(t, name, in); err == nil || l.asks > 0 {
				t.Errorf("%s by %s: %+v, %v", name, what, p, err)
			}
		}
		// A reset in Temporal gives the run another ID, under which it asks.
		p, err := s.listing(t, name, workflow.Listing{Run: "before the reset", Sender: run, Number: 3, Limit: 5})
		must(t, err)
		if p.Of != "before the reset/3" || !strings.Contains(p.Refused, "reset from outside") || len(p.Accounts) > 0 || l.asks > 0 {
			t.Errorf("%s after a workflow reset: %+v", name, p)
		}
	}
}

// A worker that lacks the keys of accounts says so, and another one may have them. A store that lists
// none is an answer.
func TestWorkerThatListsNothing(t *testing.T) {
	t.Parallel()
	all := workflow.Listing{Run: run, Sender: run, Number: 1, Limit: 5}
	for _, name := range []string{"list-accounts", "count-accounts"} {
		s, _ := newCampaignSite(t)
		s.AccountKeys = nil
		_, err := s.listing(t, name, all)
		var failed *temporal.ApplicationError
		if !errors.As(err, &failed) || failed.Type() != flow.KeyMissing || failed.NonRetryable() || !strings.Contains(err.Error(), "account.json") {
			t.Errorf("%s without keys: %v", name, err)
		}
		for what, l := range map[string]account.Lister{"no lister": nil, "a host that lists none": &lister{fail: account.ErrNotListed}} {
			s, _ := newCampaignSite(t)
			s.Lister = l
			p, err := s.listing(t, name, all)
			must(t, err)
			if p.Of != run+"/1" || !strings.Contains(p.Refused, "does not list") {
				t.Errorf("%s with %s: %+v", name, what, p)
			}
		}
	}
}

// A store that is away is tried again.
func TestListingWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	s, l := newCampaignSite(t)
	l.fail = errors.New("connection refused")
	spy := watch(s)
	spy.fail = l.fail
	for _, name := range []string{"list-accounts", "count-accounts"} {
		for _, addresses := range [][]string{nil, {"user0001@example.com"}} {
			_, err := s.listing(t, name, workflow.Listing{Run: run, Sender: run, Limit: 5, Addresses: addresses})
			var failed *temporal.ApplicationError
			if !errors.As(err, &failed) || failed.Type() != flow.StoreAway || failed.NonRetryable() {
				t.Errorf("%s of %v: %v", name, addresses, err)
			}
		}
	}
}

// A dry run counts no account whose hash rekey does not make: its order would be refused.
func TestDryRunCountsNoneThatIsRefused(t *testing.T) {
	t.Parallel()
	s, l := newCampaignSite(t)
	one, two, old := fit(1), fit(2), fit(3)
	one.Credential, two.Credential, old.Credential = "md5of", "0123456789abcdef", "$P$Bsaltdigest"
	l.all = []account.Account{one, two, old}
	for _, a := range l.all {
		must(t, s.store.Put(t.Context(), a))
	}
	s.run.ID = workflow.ForceAllID(flow.TaskQueue)
	p, err := s.listing(t, workflow.CountAccounts, workflow.Listing{Run: run, Sender: run})
	must(t, err)
	s.run.ID = workflow.ForceReset.ID(key)
	for _, a := range l.all {
		q := order(strings.ToLower(a.Address))
		q.Order += a.ID
		d := s.block(t, q)
		t.Logf("%s: %s", a.ID, d.Reason)
		diff(t, "decision", d.Event, statemachine.ChangeRefused)
	}
	diff(t, "accounts that can be forced", p.Total, 0)
}
