package postgres_test

import (
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/storetest"
)

// security 5, 10, 23: the database is a ledger for accounts that another application keeps.
func TestLedger(t *testing.T) {
	t.Parallel()
	storetest.RunLedger(t, func(t *testing.T) account.HostLedger {
		t.Helper()
		return openAt(t, migrated(t))
	})
}
