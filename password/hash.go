package password

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/rekeyhq/rekey/internal/argon2"
)

// Hasher makes stored hashes. It is safe for concurrent use.
type Hasher interface {
	// Hash returns the stored form of a normalized password under a salt of 16 bytes. The same
	// input gives the same string, so that a repeated submission is the same submission.
	Hash(password string, salt []byte) string
	// MaxBytes is the length of the longest password that it takes whole; 0 for any.
	MaxBytes() int
	// Check refuses wrong costs: a hash beyond the limits of [Verify] would keep its owner from
	// signing in.
	Check() error
}

var _, _, _, _ Hasher = Params{}, Bcrypt{}, spelled{}, prefixed{}

// Params are the costs of an Argon2id hash (RFC 9106). A field that is zero means that
// of [DefaultParams].
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes over the memory
	Threads uint8
}

// DefaultParams are 19 MiB, 2 passes and 1 thread (OWASP Password Storage Cheat Sheet).
func DefaultParams() Params { return Params{Memory: 19 * 1024, Time: 2, Threads: 1} }

const hashLen = 32

// Bounds on what Verify computes for a stored hash, so that a damaged or hostile one
// cannot take the process down. They let the costs that RFC 9106 recommends where
// memory is scarce through (64 MiB, 3 passes, 4 threads), and four times that.
const (
	maxMemory  = 256 * 1024 // KiB
	maxTime    = 12
	maxThreads = 16
)

// ErrHash means that a stored hash is not one of a [Hasher] of this package, or costs more than
// this package is ready to spend.
var ErrHash = errors.New("the stored hash is damaged, too costly, or of no format that is known")

// MaxBytes implements [Hasher].
func (Params) MaxBytes() int { return 0 }

// Check implements [Hasher].
func (p Params) Check() error {
	if p = p.withDefaults(); !p.affordable() {
		return fmt.Errorf("argon2id: want at most %d KiB, %d passes and %d threads, not %d, %d and %d", maxMemory, maxTime, maxThreads, p.Memory, p.Time, p.Threads)
	}
	return nil
}

func (p Params) withDefaults() Params {
	d := DefaultParams()
	return Params{cmp.Or(p.Memory, d.Memory), cmp.Or(p.Time, d.Time), cmp.Or(p.Threads, d.Threads)}
}

// Hash returns the PHC string of a normalized password under a salt of the caller's:
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash. The salt should be 16 bytes (RFC 9106,
// section 3.1) that no other password has. The same input gives the same string.
func (p Params) Hash(password string, salt []byte) string {
	p = p.withDefaults()
	return p.encode(salt, p.key(password, salt, hashLen))
}

// Verify reports, in constant time, whether a normalized password has a stored hash, of any format
// that [Like] makes. It costs what the hash cost, so call it within a [Budget]. The error is
// ErrHash.
func Verify(stored, password string) (bool, error) {
	if with, rest := cutPrefix(stored); with != nil {
		stored, password = rest, with.first(password) // nothing stands before two hashes
	}
	if isBcrypt(stored) {
		return verifyBcrypt(stored, password)
	}
	if s, h, ok := readSpelled(stored); ok {
		return s.verify(h, password)
	}
	p, salt, want, err := parse(stored)
	if err != nil {
		return false, err
	}
	got := p.key(password, salt, uint32(len(want))) //nolint:gosec // parse takes no hash of more than 64 bytes
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// memories are those of hashes that have ended. The garbage collector frees what nobody used for two
// of its rounds.
var memories = sync.Pool{New: func() any { return new(argon2.Memory) }}

// maxKept is the largest memory that is kept, in KiB: that of RFC 9106 where memory is scarce. A
// stored hash may ask for more, which goes back at once.
const maxKept = 64 * 1024

func (p Params) key(password string, salt []byte, length uint32) []byte {
	memory := memories.Get().(*argon2.Memory)
	key := memory.IDKey([]byte(password), salt, p.Time, p.Memory, p.Threads, length)
	if memory.Size() <= maxKept {
		memories.Put(memory)
	}
	return key
}

// encode is the PHC string, in the only spelling that parse takes.
func (p Params) encode(salt, hash []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Time, p.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash))
}

// affordable reports whether Verify is ready to spend the costs.
func (p Params) affordable() bool {
	return 1 <= p.Memory && p.Memory <= maxMemory && 1 <= p.Time && p.Time <= maxTime &&
		1 <= p.Threads && p.Threads <= maxThreads
}

func parse(phc string) (p Params, salt, hash []byte, err error) {
	fields := strings.Split(phc, "$")
	if len(fields) != 6 {
		return p, nil, nil, ErrHash
	}
	_, costsErr := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Threads)
	salt, saltErr := base64.RawStdEncoding.DecodeString(fields[4])
	hash, hashErr := base64.RawStdEncoding.DecodeString(fields[5])
	sized := 8 <= len(salt) && len(salt) <= 64 && 16 <= len(hash) && len(hash) <= 64
	// Scanning and decoding are lenient, so their result is written again and compared.
	if errors.Join(costsErr, saltErr, hashErr) != nil || !sized || !p.affordable() || p.encode(salt, hash) != phc {
		return Params{}, nil, nil, ErrHash
	}
	return p, salt, hash, nil
}
