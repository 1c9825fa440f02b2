package password

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	salted "github.com/go-crypt/x/bcrypt"
	"golang.org/x/crypto/bcrypt"
)

// Bcrypt makes hashes for an application whose sign-in knows no other. It is the weaker choice:
// little memory, and it looks at 72 bytes only. Longer passwords are refused, not cut.
type Bcrypt struct {
	Cost int // 2^Cost rounds, 4 to 14; zero means that of DefaultBcrypt
	// Letter is that of "$2a$", "$2b$" or "$2y$"; zero means a. They name one algorithm for the
	// passwords hashed here, but applications insist on one: Laravel wants y, the bcrypt of
	// Node refuses it. Only bytes of 0xFF, which UTF-8 has not, make a and y differ
	// (crypt_blowfish 1.1 to 1.3, BF_set_key). Only more than 254 bytes make a and b differ
	// (OpenBSD 5.5).
	Letter byte
}

// DefaultBcrypt is a cost of 12, some 300 ms of a core; the OWASP Password Storage Cheat
// Sheet wants 10 or more.
func DefaultBcrypt() Bcrypt { return Bcrypt{Cost: 12} }

const (
	bcryptBytes  = 72 // of a password that bcrypt looks at
	bcryptLen    = 60 // of a hash
	bcryptDigest = 23 // of the 24 bytes that bcrypt makes
	// maxBcryptCost is the highest cost that Verify accepts: somewhat more than a second.
	maxBcryptCost = 14
)

// MaxBytes implements [Hasher].
func (Bcrypt) MaxBytes() int { return bcryptBytes }

// Check implements [Hasher].
func (b Bcrypt) Check() error {
	if cost := b.cost(); cost < bcrypt.MinCost || cost > maxBcryptCost {
		return fmt.Errorf("bcrypt: want a cost of %d to %d, not %d", bcrypt.MinCost, maxBcryptCost, cost)
	}
	if !strings.ContainsRune("aby", rune(b.letter())) {
		return errors.New("bcrypt: want the letter a, b or y")
	}
	return nil
}

func (b Bcrypt) letter() byte { return cmp.Or(b.Letter, 'a') }

func (b Bcrypt) cost() int { return cmp.Or(b.Cost, DefaultBcrypt().Cost) }

// Hash implements [Hasher]. It panics for a password that it would have to cut, for a salt that
// is not of 16 bytes and for an impossible cost. A Client has refused such a password, makes no
// such salt, and has called Check.
func (b Bcrypt) Hash(password string, salt []byte) string {
	if len(password) > bcryptBytes {
		panic(errors.New("password: more than bcrypt looks at"))
	}
	hash, err := salted.GenerateFromPasswordSalt([]byte(password), salt, b.cost())
	if err != nil {
		panic(errors.New("password: bcrypt wants 16 bytes of salt and a cost that Check takes"))
	}
	return "$2" + string(b.letter()) + string(hash[len("$2a"):])
}

// isBcrypt reports that a stored hash is meant as one of bcrypt's. The letters differ by the
// fixed fault, and mean the same for hashes without it.
func isBcrypt(stored string) bool {
	return strings.HasPrefix(stored, "$2a$") || strings.HasPrefix(stored, "$2b$") || strings.HasPrefix(stored, "$2y$")
}

// verifyBcrypt is Verify for bcrypt. A password longer than bcrypt reads has no hash.
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
