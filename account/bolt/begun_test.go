package bolt_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/account/storetest"
)

// security 5, 10, 23: the file is a ledger for accounts that another application keeps.
func TestLedger(t *testing.T) {
	t.Parallel()
	storetest.RunLedger(t, func(t *testing.T) account.HostLedger {
		t.Helper()
		ledger, err := bolt.OpenLedger(filepath.Join(t.TempDir(), "ledger.db"))
		must(t, err)
		t.Cleanup(func() { must(t, ledger.Close()) })
		return ledger
	})
}

// The accounts of one application are not taken for those of another.
func TestLedgerWithAccounts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "accounts.db")
	s := openAt(t, path)
	must(t, s.Put(t.Context(), ann()))
	must(t, s.Close())
	if _, err := bolt.OpenLedger(path); !errors.Is(err, bolt.ErrAccounts) {
		t.Errorf("error %v, want %v", err, bolt.ErrAccounts)
	}
	openAt(t, path) // it is not locked
}
