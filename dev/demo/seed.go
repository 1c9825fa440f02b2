package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/password"
)

// Password is the password of every seeded account.
const Password = "seven otters rowing home"

// People are the seeded accounts, one of each kind that a reset treats differently.
func People() []account.Account {
	return []account.Account{
		{ID: "alice", Address: "alice@example.com", Resettable: true},
		{ID: "bob", Address: "bob@example.com", Notify: []string{"bob.backup@example.com"}, Resettable: true},
		{ID: "carol", Address: "carol@example.com", Disabled: true, Resettable: true},
		{ID: "dave", Address: "dave@example.com"}, // signs in elsewhere, has no password of its own
	}
}

// Seed puts [People] and further accounts user1@example.com ... into the store,
// except those that are there already. The password is hashed once and copied, so a
// hundred thousand accounts take seconds.
func Seed(ctx context.Context, store *bolt.Store, more int) error {
	salt := make([]byte, 16)
	rand.Read(salt)
	hash := password.DefaultParams().Hash(Password, salt)
	people := People()
	for n := range more {
		people = append(people, account.Account{
			ID: fmt.Sprintf("user%d", n+1), Address: fmt.Sprintf("user%d@example.com", n+1), Resettable: true,
		})
	}
	missing := people[:0:0]
	for _, p := range people {
		switch _, err := store.Account(ctx, p.ID); {
		case err == nil:
			continue
		case !errors.Is(err, account.ErrNotFound):
			return err
		}
		if p.Resettable {
			p.Credential = hash
		}
		missing = append(missing, p)
	}
	return store.PutMany(ctx, missing)
}
