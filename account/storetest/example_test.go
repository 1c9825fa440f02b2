package storetest_test

import (
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/account/storetest"
)

// A store's test is one call.
func ExampleRun() {
	_ = func(t *testing.T) { // TestStore
		t.Helper()
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			t.Helper()
			s, err := bolt.Open(filepath.Join(t.TempDir(), "accounts.db"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		})
	}
	// Output:
}
