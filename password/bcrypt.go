package password

import (
	"cmp"
	"errors"
	"strings"

	salted "github.com/go-crypt/x/bcrypt"
	"golang.org/x/crypto/bcrypt"
)

// Bcrypt makes hashes for an application whose sign-in knows no other ("$2a$", which all
// implementations read). It is the weaker choice: little memory, and it looks at 72 bytes
// only; longer passwords are refused, not cut.
type Bcrypt struct {
	Cost int // 2^Cost rounds; zero means that of DefaultBcrypt
}

// DefaultBcrypt is a cost of 12, some 300 ms of a core; the OWASP Password Storage Cheat
// Sheet wants 10 or more.
func DefaultBcrypt() Bcrypt { return Bcrypt{Cost: 12} }

const (
	bcryptBytes = 72 // of a password that bcrypt looks at
	bcryptLen   = 60 // of a hash
	// maxBcryptCost is what Verify is ready to spend: somewhat more than a second.
	maxBcryptCost = 14
)

// MaxBytes implements [Hasher].
func (Bcrypt) MaxBytes() int { return bcryptBytes }

// Hash implements [Hasher]. It panics for a password that it would have to cut and for a
// salt that is not of 16 bytes: a Client has refused the one and makes no other.
func (b Bcrypt) Hash(password string, salt []byte) string {
	if len(password) > bcryptBytes {
		panic(errors.New("password: more than bcrypt looks at"))
	}
	hash, err := salted.GenerateFromPasswordSalt([]byte(password), salt, cmp.Or(b.Cost, DefaultBcrypt().Cost))
	if err != nil {
		panic(errors.New("password: bcrypt wants 16 bytes of salt and a cost of 4 to 31"))
	}
	return string(hash)
}

// isBcrypt reports that a stored hash is meant as one of bcrypt's. The letters differ by
// who fixed which fault, and mean the same for what is no such fault.
func isBcrypt(stored string) bool {
	return strings.HasPrefix(stored, "$2a$") || strings.HasPrefix(stored, "$2b$") || strings.HasPrefix(stored, "$2y$")
}

// verifyBcrypt is Verify for bcrypt. What is longer than bcrypt looks at has no hash.
func verifyBcrypt(stored, password string) (bool, error) {
	cost, err := bcrypt.Cost([]byte(stored))
	if err != nil || cost > maxBcryptCost || len(stored) != bcryptLen {
		return false, ErrHash
	}
	if len(password) > bcryptBytes {
		return false, nil
	}
	switch err := bcrypt.CompareHashAndPassword([]byte(stored), []byte(password)); {
	case err == nil:
		return true, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	default:
		return false, ErrHash
	}
}
