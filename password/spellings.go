package password

import (
	"crypto/sha1" //nolint:gosec // in PBKDF2, which needs no more of it than it has
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"math/bits"
	"regexp"
	"strconv"

	"golang.org/x/text/unicode/norm"
)

// spellings are all that can be made. Each comment names what writes it.
var spellings = []spelling{ //nolint:gochecknoglobals // a constant table
	// Django: PBKDF2PasswordHasher, PBKDF2SHA1PasswordHasher, ScryptPasswordHasher.
	django("d1", sha1KDF, "pbkdf2_sha1$<1>$<salt>$<digest>", sha1.Size),
	django("d2", sha256KDF, "pbkdf2_sha256$<1>$<salt>$<digest>", sha256.Size),
	django("dc", scryptKDF{}, "scrypt$<1>$<salt>$<2>$<3>$<digest>", 64),
	// Werkzeug: generate_password_hash.
	werkzeug("w1", sha1KDF, "pbkdf2:sha1:<1>$<salt>$<digest>", sha1.Size),
	werkzeug("w2", sha256KDF, "pbkdf2:sha256:<1>$<salt>$<digest>", sha256.Size),
	werkzeug("w5", sha512KDF, "pbkdf2:sha512:<1>$<salt>$<digest>", sha512.Size),
	werkzeug("wc", scryptKDF{}, "scrypt:<1>:<2>:<3>$<salt>$<digest>", 64),
	// passlib: pbkdf2_sha1, pbkdf2_sha256, pbkdf2_sha512.
	passlib("p1", sha1KDF, "$pbkdf2$<1>$<salt>$<digest>", sha1.Size),
	passlib("p2", sha256KDF, "$pbkdf2-sha256$<1>$<salt>$<digest>", sha256.Size),
	passlib("p5", sha512KDF, "$pbkdf2-sha512$<1>$<salt>$<digest>", sha512.Size),
	// ASP.NET Core Identity: PasswordHasher, version 3.
	identity("n1", sha1KDF, 0),
	identity("n2", sha256KDF, 1),
	identity("n5", sha512KDF, 2),
	// Spring Security: SCryptPasswordEncoder within a DelegatingPasswordEncoder.
	spring("sc", "{scrypt}"),
	spring("s8", "{scrypt@SpringSecurity_v5_8}"),
	betterAuth,
}

var (
	sha1KDF   = pbkdf2Of{"SHA-1", sha1.New, 1_300_000}
	sha256KDF = pbkdf2Of{"SHA-256", sha256.New, 600_000}
	sha512KDF = pbkdf2Of{"SHA-512", sha512.New, 210_000}
)

// django has the salt as text. Its own have 22 letters for 128 bits, and it hashes again at
// sign-in where one has fewer.
func django(name string, kdf function, layout string, size int) spelling {
	s := spelling{name: name, kdf: kdf, size: size, salt: func(random []byte) []byte { return letters(random, 22) }}
	s.write, s.read = inLayout(layout, asText, standard)
	return s
}

// werkzeug has a salt of 16 letters as text.
func werkzeug(name string, kdf function, layout string, size int) spelling {
	s := spelling{name: name, kdf: kdf, size: size, salt: func(random []byte) []byte { return letters(random, 16) }}
	s.write, s.read = inLayout(layout, asText, hexadecimal)
	return s
}

// passlib writes base64 with a dot for the plus, and no padding.
func passlib(name string, kdf function, layout string, size int) spelling {
	s := spelling{name: name, kdf: kdf, size: size, salt: asItIs}
	s.write, s.read = inLayout(layout, dotted, dotted)
	return s
}

// betterAuth takes the hexadecimal text of a salt for the salt, and has one setting.
var betterAuth = func() spelling { //nolint:gochecknoglobals // a constant
	s := spelling{
		name: "bc", kdf: scryptKDF{}, size: 64, fixed: costs{16384, 16, 1}, normalize: norm.NFKC.String,
		salt: func(random []byte) []byte { return []byte(hex.EncodeToString(random)) },
	}
	write, read := inLayout("<salt>:<digest>", asText, hexadecimal)
	s.write, s.read = write, func(stored string) (hashed, bool) {
		h, ok := read(stored)
		h.costs = s.fixed
		return h, ok && hexSalt.Match(h.salt)
	}
	return s
}()

var hexSalt = regexp.MustCompile(`^[0-9a-f]{32}$`)

// spring writes the costs as one hexadecimal number: the logarithm of N, r and p.
func spring(name, id string) spelling {
	s := spelling{name: name, kdf: scryptKDF{}, size: 32, salt: asItIs}
	begins := regexp.MustCompile(`^` + regexp.QuoteMeta(id) + `\$([1-9a-f][0-9a-f]{4,5})\$`)
	write, read := inLayout("<salt>$<digest>", standard, standard)
	s.write = func(h hashed) string {
		logN := bits.Len(uint(h.costs[0])) - 1
		return fmt.Sprintf("%s$%x$%s", id, logN<<16|h.costs[1]<<8|h.costs[2], write(h))
	}
	s.read = func(stored string) (hashed, bool) {
		found := begins.FindStringSubmatch(stored)
		if found == nil {
			return hashed{}, false
		}
		h, ok := read(stored[len(found[0]):])
		packed, err := strconv.ParseUint(found[1], 16, 24)
		if err != nil {
			return h, false
		}
		h.costs = costs{1 << (packed >> 16), int(packed >> 8 & 0xff), int(packed & 0xff)}
		return h, ok
	}
	return s
}
