package account

import (
	"regexp"
	"strings"
)

// Form is the text by which a sign-in knows the format of a stored hash: the text before its
// costs, salt and digest. Hashes of two forms are never read as one another. It is empty for a
// hash without such text, such as a digest in hexadecimal. It never holds salt or digest.
//
//	$2y$12$...                 $2y$                   crypt(3), PHC
//	$wp$2y$10$...              $wp$2y$                WordPress 6.8
//	pbkdf2_sha256$600000$...   pbkdf2_sha256$         Django
//	argon2$argon2id$v=19$...   argon2$argon2id$       Django
//	scrypt:32768:8:1$...       scrypt:                Werkzeug
//	{bcrypt}$2a$10$...         {bcrypt}$2a$           Spring
//	AQAAAAIAAYag...            AQAAAA                 ASP.NET Core Identity, version 3
//	{SSHA}...                  {SSHA}                 RFC 2307
//	salt:key                   (none)                 better-auth
func Form(credential string) string {
	if strings.HasPrefix(credential, identity) {
		return identity
	}
	brace := braced.FindString(credential)
	if strings.HasPrefix(brace, "{scrypt") {
		return brace // Spring has the costs behind it
	}
	rest := credential[len(brace):]
	word := named.FindString(rest)
	if word != "" && !scheme.MatchString(word) {
		word = ""
	}
	switch whole := modular.FindString(rest[max(0, len(word)-1):]); {
	case word == "argon2$" && whole != "":
		word = "argon2" + whole // whose first character ends the word
	case word == "" || strings.HasPrefix(word, "bcrypt"):
		word += modular.FindString(rest[len(word):])
	}
	return brace + word
}

// identity is the base64 of the version, 1, and of the first bits of the number that follows, which
// is below 2^28.
const identity = "AQAAAA"

var (
	// braced is the scheme of RFC 2307, section 5.3. Spring has a version behind an at sign.
	braced = regexp.MustCompile(`^\{[A-Za-z0-9./_@-]{1,32}\}`)
	// named is a word before the first separator: Django's, or Werkzeug's, which has costs
	// behind it.
	named = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{1,31}(?:\$|:[a-z][a-z0-9_]{0,15}:|:)`)
	// modular is an identifier of crypt(5) or of PHC, and WordPress's before one of crypt(5).
	modular = regexp.MustCompile(`^\$(?:wp\$)?[A-Za-z0-9_-]{1,32}\$`)
	// scheme is part of the name of every hash function for passwords. A salt that stands
	// before a separator has none of them.
	scheme = regexp.MustCompile(`(?i)argon2|bcrypt|crypt|pbkdf2|phpass|md5|sha1|sha2|sha3|sha5|ssha|hmac`)
)
