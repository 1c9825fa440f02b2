package demo

import (
	"path/filepath"
	"testing"

	"github.com/rekeyhq/rekey/account/bolt"
)

// A hundred thousand accounts are seeded in seconds, because the password is hashed once.
func TestSeedHashesOnce(t *testing.T) {
	t.Parallel()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "accounts.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := Seed(t.Context(), store, 3); err != nil {
		t.Fatal(err)
	}
	hashes := map[string]bool{}
	for _, id := range []string{"alice", "user1", "user2", "user3"} {
		seeded, err := store.Account(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		hashes[seeded.Credential] = true
	}
	if len(hashes) != 1 || hashes[""] {
		t.Errorf("%d hashes of one password", len(hashes))
	}
}
