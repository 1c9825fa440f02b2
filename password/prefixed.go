package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// prefix is what a library writes before a hash of bcrypt or Argon2id.
type prefix struct {
	name   string // in Text
	text   string
	begins string                     // of the hash behind it
	before func(string) string        // what the library does to a password first; nil is nothing
	salt   func(random []byte) []byte // the bytes that the function gets, of 16 random ones
}

// prefixes are all that can be made.
var prefixes = []prefix{ //nolint:gochecknoglobals // a constant table
	// Django: Argon2PasswordHasher, BCryptPasswordHasher, BCryptSHA256PasswordHasher.
	{name: "da", text: "argon2", begins: "$argon2id$", salt: func(random []byte) []byte { return letters(random, 22) }},
	{name: "db", text: "bcrypt$", begins: "$2"},
	{name: "ds", text: "bcrypt_sha256$", begins: "$2", before: hexSHA256},
	// Spring Security: encoders within a DelegatingPasswordEncoder.
	{name: "sb", text: "{bcrypt}", begins: "$2"},
	{name: "sa", text: "{argon2}", begins: "$argon2id$"},
	{name: "s5", text: "{argon2@SpringSecurity_v5_8}", begins: "$argon2id$"},
	// WordPress 6.8: wp_hash_password.
	{name: "wp", text: "$wp", begins: "$2y$", before: wordPress},
}

// prefixed makes hashes with a prefix. The Hasher is Params or Bcrypt.
type prefixed struct {
	with *prefix
	Hasher
}

// MaxBytes implements [Hasher].
func (p prefixed) MaxBytes() int {
	if p.with.before != nil {
		return 0
	}
	return p.Hasher.MaxBytes()
}

// Hash implements [Hasher].
func (p prefixed) Hash(password string, salt []byte) string {
	return p.with.text + p.Hasher.Hash(p.with.first(password), p.with.salted(salt))
}

func (p *prefix) first(password string) string {
	if p.before == nil {
		return password
	}
	return p.before(password)
}

func (p *prefix) salted(random []byte) []byte {
	if p.salt == nil {
		return random
	}
	return p.salt(random)
}

// cutPrefix finds the prefix of a stored hash, and what is behind it. It is nil for a hash without.
func cutPrefix(stored string) (with *prefix, rest string) {
	for i := range prefixes {
		if rest, ok := strings.CutPrefix(stored, prefixes[i].text); ok && strings.HasPrefix(rest, prefixes[i].begins) {
			return &prefixes[i], rest
		}
	}
	return nil, stored
}

// parsePrefixed reads the text of a prefixed. It may be lenient, parsed is strict.
func parsePrefixed(text string) (Hasher, bool) {
	name, rest, _ := strings.Cut(text, ":")
	for i := range prefixes {
		if prefixes[i].name != name {
			continue
		}
		inner, err := Parse(rest)
		return prefixed{&prefixes[i], inner}, err == nil && strings.HasPrefix(Sample(inner), prefixes[i].begins)
	}
	return nil, false
}

func hexSHA256(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

// wordPress keeps all of a long password (wp_hash_password). Its sign-in puts a backslash before
// quotes and backslashes (wp_magic_quotes), never takes it away (wp_signon), and trims the password
// (wp_authenticate). Its own pages for a new password do the same.
func wordPress(password string) string {
	mac := hmac.New(sha512.New384, []byte("wp-sha384"))
	mac.Write([]byte(strings.Trim(slashes.Replace(password), " \t\n\r\x00\x0b")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var slashes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `\"`) //nolint:gochecknoglobals // a constant
