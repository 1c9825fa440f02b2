package password

import (
	"crypto/sha1" //nolint:gosec // of PBKDF2, where it is no weakness but its speed
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// spelling is how one library writes the hashes of one function.
type spelling struct {
	name      string // in Text
	kdf       function
	salt      func(random []byte) []byte // the bytes that the function gets, of 16 random ones
	size      int                        // of the digest in bytes
	fixed     costs                      // of a library that writes none; zero for others
	normalize func(string) string        // what the library does to a password first; nil is nothing
	write     func(h hashed) string
	read      func(stored string) (hashed, bool) // may be lenient: write decides
}

// hashed is a stored hash in its parts.
type hashed struct {
	costs        costs
	salt, digest []byte
}

// spelled makes hashes that one library reads, with its costs.
type spelled struct {
	as    *spelling
	costs costs
}

// MaxBytes implements [Hasher].
func (spelled) MaxBytes() int { return 0 }

// Check implements [Hasher].
func (s spelled) Check() error {
	if s.as.fixed != (costs{}) && s.costs != s.as.fixed {
		return errors.New("password: the library knows one setting only")
	}
	return s.as.kdf.check(s.costs)
}

// Hash implements [Hasher]. It panics for costs that Check refuses. A Client has called Check.
func (s spelled) Hash(password string, salt []byte) string {
	salt = s.as.salt(salt)
	digest, err := s.digest(password, salt)
	if err != nil {
		panic(errors.New("password: the costs are not those that Check takes"))
	}
	return s.as.write(hashed{s.costs, salt, digest})
}

func (s spelled) digest(password string, salt []byte) ([]byte, error) {
	if s.as.normalize != nil {
		password = s.as.normalize(password)
	}
	return s.as.kdf.key(password, salt, s.costs, s.as.size)
}

func (s spelled) text() string {
	numbers := make([]string, s.as.kdf.count())
	for i := range numbers {
		numbers[i] = strconv.Itoa(s.costs[i])
	}
	return s.as.name + ":" + strings.Join(numbers, ",")
}

// verify is Verify for a hash that readSpelled has taken apart.
func (s spelled) verify(h hashed, password string) (bool, error) {
	got, err := s.digest(password, h.salt)
	if err != nil {
		return false, ErrHash
	}
	return subtle.ConstantTimeCompare(got, h.digest) == 1, nil
}

// maxSalt is the length of the longest salt that is read, in bytes.
const maxSalt = 64

// readSpelled finds the spelling of a stored hash, and takes it apart. No text has two spellings.
// Reading is lenient, so its result is written again and compared.
func readSpelled(stored string) (spelled, hashed, bool) {
	for i := range spellings {
		as := &spellings[i]
		h, ok := as.read(stored)
		if !ok || len(h.salt) < 1 || len(h.salt) > maxSalt || len(h.digest) != as.size {
			continue
		}
		if s := (spelled{as, h.costs}); s.Check() == nil && as.write(h) == stored {
			return s, h, true
		}
	}
	return spelled{}, hashed{}, false
}

// parseSpelled reads the text of a spelled. It may be lenient, parsed is strict.
func parseSpelled(text string) (Hasher, bool) {
	name, numbers, _ := strings.Cut(text, ":")
	for i := range spellings {
		if s := (spelled{as: &spellings[i]}); s.as.name == name {
			for i, number := range strings.SplitN(numbers, ",", len(s.costs)) {
				s.costs[i], _ = strconv.Atoi(number)
			}
			return s, true
		}
	}
	return nil, false
}

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
		logN := new(big.Int).SetInt64(int64(h.costs[0])).BitLen() - 1
		return fmt.Sprintf("%s$%x$%s", id, logN<<16|h.costs[1]<<8|h.costs[2], write(h))
	}
	s.read = func(stored string) (hashed, bool) {
		found := begins.FindStringSubmatch(stored)
		if found == nil {
			return hashed{}, false
		}
		h, ok := read(stored[len(found[0]):])
		packed, err := strconv.ParseUint(found[1], 16, 24)
		if err != nil || packed>>16 > 30 {
			return h, false
		}
		h.costs = costs{1 << (packed >> 16), int(packed >> 8 & 0xff), int(packed & 0xff)} //nolint:gosec // small
		return h, ok
	}
	return s
}

// codec is how salts or digests are written.
type codec struct {
	encode func([]byte) string
	decode func(string) ([]byte, error)
}

var ( //nolint:gochecknoglobals // constants
	asText      = codec{func(b []byte) string { return string(b) }, func(s string) ([]byte, error) { return []byte(s), nil }}
	standard    = codec{base64.StdEncoding.EncodeToString, base64.StdEncoding.DecodeString}
	hexadecimal = codec{hex.EncodeToString, hex.DecodeString}
	dotted      = codec{dots.EncodeToString, dots.DecodeString}
	dots        = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./").WithPadding(base64.NoPadding)
)

// inLayout writes and reads a text with places for the costs, the salt and the digest.
func inLayout(layout string, salt, digest codec) (write func(hashed) string, read func(string) (hashed, bool)) {
	const text = `([!-#%-~]{1,100})` // printable, but "$" separates
	pattern := regexp.MustCompile("^" + strings.NewReplacer(
		"<1>", "([0-9]{1,9})", "<2>", "([0-9]{1,9})", "<3>", "([0-9]{1,9})", "<salt>", text, "<digest>", `([0-9A-Za-z./+=]{1,200})`,
	).Replace(regexp.QuoteMeta(layout)) + "$")
	places := regexp.MustCompile("<[a-z1-3]+>").FindAllString(layout, -1)
	write = func(h hashed) string {
		return strings.NewReplacer(
			"<1>", strconv.Itoa(h.costs[0]), "<2>", strconv.Itoa(h.costs[1]), "<3>", strconv.Itoa(h.costs[2]),
			"<salt>", salt.encode(h.salt), "<digest>", digest.encode(h.digest),
		).Replace(layout)
	}
	read = func(stored string) (h hashed, ok bool) {
		found := pattern.FindStringSubmatch(stored)
		if found == nil {
			return h, false
		}
		var errs [2]error
		for i, place := range places {
			switch part := found[i+1]; place {
			case "<salt>":
				h.salt, errs[0] = salt.decode(part)
			case "<digest>":
				h.digest, errs[1] = digest.decode(part)
			default:
				h.costs[place[1]-'1'], _ = strconv.Atoi(part) // digits
			}
		}
		return h, errors.Join(errs[:]...) == nil
	}
	return write, read
}

func asItIs(random []byte) []byte { return random }

// letters writes random bytes as so many letters and digits. All of 16 bytes fit in 22; of fewer
// letters each is as likely as another, but for a share of 2^-32.
func letters(random []byte, n int) []byte {
	text := strings.Repeat("0", n) + new(big.Int).SetBytes(random).Text(62)
	return []byte(text[len(text)-n:])
}
