package password

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of an Argon2id hash.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultParams are 19 MiB, 2 passes and 1 thread (OWASP Password Storage Cheat Sheet).
func DefaultParams() Params { return Params{Memory: 19 * 1024, Time: 2, Threads: 1} }

const hashLen = 32

// Bounds on what Verify computes for a stored hash, so that a damaged or hostile one
// cannot take the process down.
const (
	maxMemory  = 1 << 20 // KiB: 1 GiB
	maxTime    = 64
	maxThreads = 16
)

// ErrHash means that a stored hash is not one that [Params.Hash] made.
var ErrHash = errors.New("not an Argon2id hash in PHC format")

// Hash returns the PHC string of a normalized password under a salt of the caller's:
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func (p Params) Hash(password string, salt []byte) string {
	hash := argon2.IDKey([]byte(password), salt, p.Time, p.Memory, p.Threads, hashLen)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Time, p.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(hash))
}

// Verify reports, in constant time, whether a normalized password has a stored hash. The
// error is ErrHash.
func Verify(phc, password string) (bool, error) {
	p, salt, want, err := parse(phc)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), salt, p.Time, p.Memory, p.Threads, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

func parse(phc string) (p Params, salt, hash []byte, err error) {
	fields := strings.Split(phc, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, ErrHash
	}
	if n, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Threads); err != nil || n != 3 {
		return p, nil, nil, ErrHash
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(fields[4])
	hash, hashErr := base64.RawStdEncoding.Strict().DecodeString(fields[5])
	sane := 1 <= p.Time && p.Time <= maxTime && 1 <= p.Threads && p.Threads <= maxThreads && p.Memory <= maxMemory &&
		16 <= len(hash) && len(hash) <= 64 && 8 <= len(salt) && len(salt) <= 64
	if saltErr != nil || hashErr != nil || !sane {
		return p, nil, nil, ErrHash
	}
	return p, salt, hash, nil
}
