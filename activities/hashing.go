package activities

import (
	"strings"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/password"
)

// Upgrade is a format that the host's sign-in reads beside those that its accounts have.
type Upgrade string

// The formats of which new hashes are made.
const (
	NoUpgrade       Upgrade = ""
	UpgradeArgon2id Upgrade = "argon2id" // for every account that has another
	UpgradeBcrypt   Upgrade = "bcrypt"   // "$2y$", for accounts whose own format cannot be made
)

// Valid reports whether there is such a format.
func (u Upgrade) Valid() bool { return u == NoUpgrade || u.form() != "" }

// form is that of the hashes that an upgrade makes.
func (u Upgrade) form() string {
	switch u {
	case UpgradeArgon2id:
		return "$argon2id$"
	case UpgradeBcrypt:
		return "$2y$"
	case NoUpgrade:
	}
	return ""
}

// reads reports whether the host reads a hash because of the upgrade.
func (u Upgrade) reads(hash string) bool {
	return u != NoUpgrade && account.Form(hash) == u.form()
}

// hashing has the parameters for the new password of an account: those of the old hash, or of the
// upgrade. The error is password.ErrUnsupported: its sign-in would not read the hash.
func (u Upgrade) hashing(owner account.Account) (string, error) {
	like, err := u.Like(owner.Credential)
	if err != nil {
		return "", err
	}
	return password.Text(like), nil
}

// Like makes the hash that replaces a stored one. The error is password.ErrUnsupported.
func (u Upgrade) Like(stored string) (password.Hasher, error) {
	like, err := password.Like(stored)
	if form := account.Form(stored); form != "" && form[0] != '$' {
		return like, err // a sign-in that reads "pbkdf2_sha256$" or "{pbkdf2}" takes no hash without such a word
	}
	if u == UpgradeArgon2id && (err != nil || !strings.HasPrefix(stored, u.form())) {
		like, err = password.DefaultParams(), nil
	}
	if u == UpgradeBcrypt && err != nil {
		like, err = password.Bcrypt{Letter: 'y'}, nil
	}
	return like, err
}
