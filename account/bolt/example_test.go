package bolt_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
)

func ExampleOpen() {
	folder, err := os.MkdirTemp("", "rekey")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()
	store, err := bolt.Open(filepath.Join(folder, "accounts.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = store.Close() }()

	ctx := context.Background()
	err = store.Put(ctx, account.Account{
		ID: "7", Address: "Ann@Example.com", Credential: "$argon2id$...", Resettable: true,
	})
	if err != nil {
		fmt.Println(err)
	}
	found, err := store.Find(ctx, "ann@example.com")
	fmt.Println(len(found), found[0].ID, found[0].Address, err)
	// Output: 1 7 Ann@Example.com <nil>
}
