package keys

import (
	"errors"
	"fmt"
	"os"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Create makes a folder with a fresh keyset for every use. A folder with any keyset stays as it
// is (ErrExists), also with one of another process at the same moment. Parts of two sets would
// understand nothing of each other. With dev the keysets are marked as being for development,
// and production commands refuse them.
func Create(dir string, dev bool) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var made []string
	defer func() {
		for _, path := range made {
			if err != nil {
				err = errors.Join(err, os.Remove(path))
			}
		}
	}()
	place := func(from, to string) error {
		err := os.Link(from, to) // a rename would replace the file
		switch {
		case errors.Is(err, os.ErrExist):
			return fmt.Errorf("%s: %w", to, ErrExists)
		case err == nil:
			made = append(made, to)
		}
		return err
	}
	d := Open(dir)
	for _, u := range []Use{Link, Payload, Submission, Account, Salt} {
		h, err := keyset.NewHandle(u.template())
		if err != nil {
			return err
		}
		if err := d.save(u, h, newMeta(u, dev), place); err != nil {
			return err
		}
	}
	return nil
}
