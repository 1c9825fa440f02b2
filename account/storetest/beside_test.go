package storetest

import (
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

// inMemory is a host in memory beside a ledger.
func inMemory(t *testing.T) *pairSuite {
	t.Helper()
	return newPair(t, func(t *testing.T) (HostHarness, account.HostLedger) {
		t.Helper()
		ledger, err := bolt.OpenLedger(filepath.Join(t.TempDir(), "ledger.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ledger.Close() })
		return NewMemory(), ledger
	})
}

// security 43: a host that allows no block has the last word, and nothing is noted.
func TestHostVetoesABlock(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	ann := s.signUp("ann")
	s.Harness = besides(s.host, vetoing{s.host}, s.ledger)
	s.fails("a veto", s.Block(s.Context(), blockOf(ann, "forced")), account.ErrVeto)
	s.is(ann)
	s.same("lines", 0, s.count(ann.ID, account.EventPasswordBlocked))
}

// A host that is no lister makes a store that says so.
func TestHostThatListsNothing(t *testing.T) {
	t.Parallel()
	s := inMemory(t)
	s.signUp("ann")
	mute := account.Beside(struct{ account.Host }{s.host}, s.ledger)
	page, err := mute.(account.Lister).Accounts(s.Context(), "", 10)
	s.fails("a host that lists nothing", err, account.ErrNotListed)
	s.same("accounts", 0, len(page))
}
