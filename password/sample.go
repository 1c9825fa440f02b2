package password

import (
	"crypto/rand"
	"fmt"
)

// Sample returns a text that looks like the hashes of a [Hasher] of this package. It has their
// format, costs, length and letters, and is of no password. It costs nothing to make. It is
// empty for any other Hasher.
func Sample(h Hasher) string {
	salt, digest := make([]byte, 16), make([]byte, longest)
	_, _ = rand.Read(salt) // it returns no error
	_, _ = rand.Read(digest)
	return sample(h, salt, digest)
}

// longest is the length of the longest digest.
const longest = 64

// sample writes a hash of a Hasher with the beginning of a digest of that length.
func sample(h Hasher, salt, digest []byte) string {
	switch h := h.(type) {
	case Params:
		return h.withDefaults().encode(salt, digest[:hashLen])
	case Bcrypt:
		return fmt.Sprintf("$2%c$%02d$%s%s", h.letter(), h.cost(), bcryptText.EncodeToString(salt), bcryptText.EncodeToString(digest[:bcryptDigest]))
	case prefixed:
		return h.with.text + sample(h.Hasher, h.with.salted(salt), digest)
	case spelled:
		return h.as.write(hashed{h.costs, h.as.salt(salt), digest[:h.as.size]})
	default:
		return ""
	}
}

// leastPasses are the passes that Argon2id needs at least with so much memory in KiB, most
// memory first. The settings are of one strength (OWASP Password Storage Cheat Sheet,
// "Argon2id").
var leastPasses = []struct{ memory, passes uint32 }{ //nolint:gochecknoglobals // a constant table
	{47104, 1}, {19456, 2}, {12288, 3}, {9216, 4}, {7168, 5},
}

// leastBcryptCost is that of the same sheet, "bcrypt".
const leastBcryptCost = 10

// Advice names better costs for costs below today's advice. It is empty for other costs, and
// for a Hasher that is none of this package. Check judges the possible range, Advice the safe
// one.
func Advice(h Hasher) string {
	switch h := h.(type) {
	case Params:
		h = h.withDefaults()
		for _, least := range leastPasses {
			if h.Memory >= least.memory && h.Time >= least.passes {
				return ""
			}
		}
		return "Argon2id should cost 19456 KiB and 2 passes at least, or as much with other memory"
	case Bcrypt:
		if h.cost() < leastBcryptCost {
			return fmt.Sprintf("bcrypt should have a cost of %d at least", leastBcryptCost)
		}
	case prefixed:
		return Advice(h.Hasher)
	case spelled:
		return h.as.kdf.advice(h.costs)
	}
	return ""
}
