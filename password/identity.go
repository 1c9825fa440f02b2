package password

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
)

// identityHeader begins a hash of ASP.NET Core Identity, big endian. The salt and the digest follow.
type identityHeader struct {
	Version                   uint8
	PRF, Iterations, SaltSize uint32
}

const identityVersion = 1 // of the format that Identity calls 3

// identity is the base64 of an identityHeader and what follows. Identity's salts have 16 bytes, and
// it refuses shorter ones.
func identity(name string, kdf function, prf uint32) spelling {
	s := spelling{name: name, kdf: kdf, size: 32, salt: asItIs}
	s.write = func(h hashed) string {
		head := identityHeader{identityVersion, prf, uint32(h.costs[0]), uint32(len(h.salt))} //nolint:gosec // both are bounded
		b, _ := binary.Append(nil, binary.BigEndian, head)                                    // it fails for no such type
		return base64.StdEncoding.EncodeToString(append(append(b, h.salt...), h.digest...))
	}
	s.read = func(stored string) (h hashed, ok bool) {
		var head identityHeader
		b, err := base64.StdEncoding.DecodeString(stored)
		rest := bytes.NewReader(b)
		if err != nil || binary.Read(rest, binary.BigEndian, &head) != nil {
			return h, false
		}
		b = b[len(b)-rest.Len():]
		if head.SaltSize < 16 || int64(head.SaltSize) > int64(min(len(b), maxSalt)) {
			return h, false
		}
		return hashed{costs{int(head.Iterations)}, b[:head.SaltSize], b[head.SaltSize:]}, true
	}
	return s
}
