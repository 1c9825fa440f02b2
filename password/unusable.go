package password

import (
	"crypto/sha512"
	"encoding/base64"
	"strings"
)

// Unusable returns a hash that takes the place of a stored one and that no password is known to
// have. It has the format, the costs and the salt of the stored one, so that [Like] of both is the
// same. A stored hash whose salt cannot be read gets a made-up one. The error is ErrUnsupported.
//
// The digest is the beginning of SHA-512 over the seed and the form of the hash (FIPS 180-4). It
// depends on nothing else of the stored hash: Unusable of the result under the same seed is the
// result again. The seed need not be secret. A password with this digest would be a preimage of the
// password hash. No password is hashed, so that a million calls cost seconds.
func Unusable(stored, seed string) (string, error) {
	like, err := Like(stored)
	if err != nil {
		return "", err
	}
	if p, ok := like.(Params); ok {
		like = p.withDefaults() // which the result says
	}
	digest := unusable("digest", seed, like)
	with, rest := cutPrefix(stored)
	made, ok := redigest(rest, digest)
	if !ok {
		return sample(like, unusable("salt", seed, like)[:16], digest), nil
	}
	if with != nil {
		made = with.text + made
	}
	return made, nil
}

// unusable are bytes that depend on a seed and on a form.
func unusable(part, seed string, form Hasher) []byte {
	sum := sha512.Sum512([]byte(strings.Join([]string{"rekey unusable password", part, seed, Text(form)}, "\x00")))
	return sum[:]
}

// redigest is a stored hash without prefix, with another digest of the same length. It reports false
// for a hash that is damaged.
func redigest(stored string, digest []byte) (string, bool) {
	if isBcrypt(stored) {
		if len(stored) != bcryptLen {
			return "", false
		}
		_, err := bcryptText.DecodeString(stored[bcryptHead : bcryptHead+bcryptSalt])
		return stored[:bcryptHead+bcryptSalt] + bcryptText.EncodeToString(digest[:bcryptDigest]), err == nil
	}
	if s, h, ok := readSpelled(stored); ok {
		h.digest = digest[:len(h.digest)]
		return s.as.write(h), true
	}
	p, salt, old, err := parse(stored)
	return p.encode(salt, digest[:len(old)]), err == nil
}

const (
	bcryptHead = len("$2a$10$")
	bcryptSalt = 22 // letters of 16 bytes
)

// bcryptText is how bcrypt writes bytes.
var bcryptText = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)
