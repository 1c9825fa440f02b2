package keys_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rekeyhq/rekey/keys"
)

// A starter seals a submission to the worker. Each process reads only its own file.
func Example() {
	parent, err := os.MkdirTemp("", "rekey")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "keys")
	if err := keys.Create(dir, false); err != nil {
		panic(err)
	}

	sealer, err := keys.Open(dir).SubmissionSealer() // in a starter
	if err != nil {
		panic(err)
	}
	sealed, err := sealer.Seal(keys.NewPassword{Hash: "$argon2id$..."}, "reset/a3c1/run")
	if err != nil {
		panic(err)
	}

	opener, err := keys.Open(dir).SubmissionOpener() // in a worker
	if err != nil {
		panic(err)
	}
	p, err := opener.Open(sealed, "reset/a3c1/run")
	fmt.Println(p.Hash, err)
	_, err = opener.Open(sealed, "reset/a3c1/another-run")
	fmt.Println(err)
	// Output:
	// $argon2id$... <nil>
	// not sealed with a key of this keyset
}
