package storetest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

// App is the part of a host application that the suites play: it keeps accounts and sessions.
type App interface {
	// Put creates an account or replaces it.
	Put(ctx context.Context, a account.Account) error
	// Delete removes an account.
	Delete(ctx context.Context, id string) error
	// NewSession signs an account in under the credential that was verified, which
	// may be stale by now. It returns a session ID.
	NewSession(ctx context.Context, accountID, credential string) (string, error)
	// Session returns the account of a session. Errors: account.ErrNotFound.
	Session(ctx context.Context, sid string) (account.Account, error)
}

// Verifier is an [App] that keeps whether the address of an account is verified. It does so for an
// account as the suites put it: no.
type Verifier interface {
	Verified(ctx context.Context, accountID string) (bool, error)
}

// NoLocale is an [App] that keeps no language of an account: it has an empty one then.
type NoLocale interface{ NoLocale() }

// HostHarness is a host under test. One that is a [Verifier] must mark addresses.
type HostHarness interface {
	account.Host
	App
}

// RunHost runs the suite of a host. It then runs the whole suite of [Run] for the store that the
// host and a ledger make ([account.Beside]), with lost calls between the two. Each check gets an
// empty host of its own from open; checks run in parallel.
func RunHost(t *testing.T, open func(t *testing.T) HostHarness) {
	t.Helper()
	runPairs(t, hostChecks, func(t *testing.T) (HostHarness, account.HostLedger) {
		t.Helper()
		ledger, err := bolt.Open(filepath.Join(t.TempDir(), "ledger.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ledger.Close() })
		return open(t), ledger
	})
}

// RunLedger is [RunHost] for a ledger, beside a host in memory.
func RunLedger(t *testing.T, open func(t *testing.T) account.HostLedger) {
	t.Helper()
	runPairs(t, ledgerChecks, func(t *testing.T) (HostHarness, account.HostLedger) {
		t.Helper()
		return NewMemory(), open(t)
	})
}

// runPairs runs checks of one side, those of both, and those of a store.
func runPairs(t *testing.T, own []pairCheck, open func(t *testing.T) (HostHarness, account.HostLedger)) {
	t.Helper()
	for _, c := range append(own, pairChecks...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(newPair(t, open))
		})
	}
	Run(t, func(t *testing.T) Harness {
		t.Helper()
		return newPair(t, open).Harness
	})
}

// pairSuite is the state of a check of a host and a ledger. Its suite is of their store.
type pairSuite struct {
	*suite
	host   HostHarness
	ledger account.HostLedger
}

func newPair(t *testing.T, open func(t *testing.T) (HostHarness, account.HostLedger)) *pairSuite {
	t.Helper()
	host, ledger := open(t)
	return &pairSuite{&suite{t, besides(host, host, ledger)}, host, ledger}
}

type pairCheck struct {
	name string
	run  func(*pairSuite)
}

var hostChecks = []pairCheck{
	{"host/change", changesHost},
	{"host/again", repeatsHost},
	{"host/the same", replacesByTheSame},
	{"host/stale", refusesStale},
	{"host/first password", setsFirstAtHost},
	{"host/races", racesHost},
	{"host/context", hostHeedsContext},
}

// pair is the harness of a store of two parts.
type pair struct {
	account.Store
	account.Archive
	App
}

// besides joins a host and a ledger; the application may be that of another host.
func besides(app App, host account.Host, ledger account.HostLedger) Harness {
	store := account.Beside(host, ledger)
	return &pair{store, store.(account.Archive), app}
}

// Audit implements Harness.
func (p *pair) Audit(ctx context.Context, accountID string) ([]account.Entry, error) {
	return p.Entries(ctx, account.Filter{AccountIDs: []string{accountID}})
}

// hostChange replaces the credential that an account has now.
func hostChange(a account.Account, to string) account.HostChange {
	return account.HostChange{
		AccountID: a.ID, Old: account.CredentialDigest(a.Credential), New: "$argon2id$" + to, Submission: "submission " + to,
	}
}

// security 17, 18: a change sets the credential and nothing else, and ends the sessions.
func changesHost(s *pairSuite) {
	ann, anna := s.signUp("ann"), s.signUp("anna")
	mine, hers := s.signIn(ann.ID, ann.Credential), s.signIn(anna.ID, anna.Credential)
	s.signedIn("before the change", mine, true)
	c := hostChange(ann, "new")
	s.must(s.host.Change(s.Context(), c))
	s.signedIn("a session from before", mine, false)
	s.signedIn("a session from after", s.signIn(ann.ID, c.New), true)
	s.signedIn("another account's session", hers, true)
	ann.Credential = c.New
	s.is(ann)
	s.is(anna)
}

// security 23: the change whose answer was lost succeeds again.
func repeatsHost(s *pairSuite) {
	ann := s.signUp("ann")
	c := hostChange(ann, "new")
	for range 3 {
		s.must(s.host.Change(s.Context(), c))
		ann.Credential = c.New
		s.is(ann)
	}
}

// security 10: another change since the mail refuses, and nothing is changed.
func refusesStale(s *pairSuite) {
	s.fails("an account that is gone", s.host.Change(s.Context(), hostChange(account.Account{ID: "nobody"}, "new")), account.ErrAccountGone)
	ann := s.signUp("ann")
	c := hostChange(ann, "new")
	ann.Credential = "$argon2id$own"
	s.must(s.host.Put(s.Context(), ann))
	mine := s.signIn(ann.ID, ann.Credential)
	for range 2 {
		s.fails("a stale change", s.host.Change(s.Context(), c), account.ErrCredentialChanged)
	}
	s.is(ann)
	s.signedIn("a session of another password", mine, true)
}

// security 5: of changes of one credential, one wins.
func racesHost(s *pairSuite) {
	s.inRounds(func(a account.Account) {
		change := func(i int) account.HostChange { return hostChange(a, fmt.Sprintf("new-%d", i)) }
		winner := s.oneWins(race(func(i int) error { return s.host.Change(s.Context(), change(i)) }), account.ErrCredentialChanged)
		a.Credential = change(winner).New
		s.is(a)
	})
}

func hostHeedsContext(s *pairSuite) {
	ann := s.signUp("ann")
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, findErr := s.host.Find(ctx, ann.Address)
	_, readErr := s.host.Account(ctx, ann.ID)
	for what, err := range map[string]error{
		"find": findErr, "read": readErr, "change": s.host.Change(ctx, hostChange(ann, "new")),
	} {
		if !errors.Is(err, context.Canceled) {
			s.Errorf("%s: error %v, want %v", what, err, context.Canceled)
		}
	}
	s.is(ann)
}
