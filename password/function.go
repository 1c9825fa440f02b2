package password

import (
	"crypto/pbkdf2"
	"errors"
	"fmt"
	"hash"
	"math/bits"

	"golang.org/x/crypto/scrypt"
)

// function is a key derivation function with costs.
type function interface {
	// key is the digest of a password, of so many bytes.
	key(password string, salt []byte, c costs, length int) ([]byte, error)
	check(c costs) error
	advice(c costs) string
	count() int // of the costs that it has
}

// costs are the iterations of PBKDF2, or N, r and p of scrypt (RFC 7914, section 2).
type costs [3]int

// maxIterations is the highest count of PBKDF2 that Verify accepts: two seconds of one core with
// SHA-512, and less than one with the others; a digest longer than the function's takes them twice.
// It is three times OWASP's highest advice.
const maxIterations = 4_000_000

// pbkdf2Of is PBKDF2 (RFC 8018, section 5.2) with HMAC of a hash function.
type pbkdf2Of struct {
	name  string
	hash  func() hash.Hash
	least int // iterations, as the OWASP Password Storage Cheat Sheet has them
}

func (f pbkdf2Of) key(password string, salt []byte, c costs, length int) ([]byte, error) {
	return pbkdf2.Key(f.hash, password, salt, c[0], length)
}

func (pbkdf2Of) check(c costs) error {
	if c[0] < 1 || c[0] > maxIterations {
		return fmt.Errorf("pbkdf2: want 1 to %d iterations, not %d", maxIterations, c[0])
	}
	return nil
}

func (f pbkdf2Of) advice(c costs) string {
	if c[0] < f.least {
		return fmt.Sprintf("PBKDF2 with HMAC of %s should have %d iterations at least", f.name, f.least)
	}
	return ""
}

func (pbkdf2Of) count() int { return 1 }

// Bounds on the costs of scrypt that Verify accepts. The memory is 128·N·r bytes, and 256 MiB of it
// as for Argon2id. The work follows N·r·p, here at most four times that of OWASP's first setting:
// two or three seconds of one core.
const (
	maxScryptMemory = 256 << 20 // bytes
	maxScryptWork   = 4 << 20
	maxScryptBlocks = 64 // r
	maxScryptLanes  = 16 // p
)

// scryptKDF is scrypt (RFC 7914).
type scryptKDF struct{}

func (scryptKDF) key(password string, salt []byte, c costs, length int) ([]byte, error) {
	return scrypt.Key([]byte(password), salt, c[0], c[1], c[2], length)
}

func (scryptKDF) check(c costs) error {
	n, r, p := c[0], c[1], c[2]
	switch {
	case n < 2 || n > maxScryptMemory/128 || bits.OnesCount(uint(n)) != 1:
		return errors.New("scrypt: want an N that is a power of two, and of 256 MiB at most")
	case r < 1 || r > maxScryptBlocks || p < 1 || p > maxScryptLanes:
		return fmt.Errorf("scrypt: want an r of 1 to %d and a p of 1 to %d, not %d and %d", maxScryptBlocks, maxScryptLanes, r, p)
	case n > maxScryptMemory/128/r || n*r*p > maxScryptWork:
		return fmt.Errorf("scrypt: N=%d r=%d p=%d is more than 256 MiB, or more than four times the work of N=131072 r=8 p=1", n, r, p)
	}
	return nil
}

// leastLanes are the p that scrypt needs at least with so much N·r, most first. The settings are of
// one strength (OWASP Password Storage Cheat Sheet, "scrypt").
var leastLanes = []struct{ memory, lanes int }{ //nolint:gochecknoglobals // a constant table
	{1 << 20, 1}, {1 << 19, 2}, {1 << 18, 3}, {1 << 17, 5}, {1 << 16, 10},
}

func (scryptKDF) advice(c costs) string {
	for _, least := range leastLanes {
		if c[0]*c[1] >= least.memory && c[2] >= least.lanes {
			return ""
		}
	}
	return "scrypt should cost N=131072 r=8 p=1 at least, or as much with other memory"
}

func (scryptKDF) count() int { return 3 }
