package password

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of [DefaultPolicy] (NIST SP 800-63B-4, section 3.1.1.2).
const (
	// DefaultMinLength is the minimum for a password that is the only factor.
	DefaultMinLength = 15
	// MinLengthWithMFA is the minimum where a second factor is always asked.
	MinLengthWithMFA = 8
	// DefaultMaxBytes is far above the 64 characters that have to be allowed, and low
	// enough that hashing costs the same for all.
	DefaultMaxBytes = 1024
)

// Policy says what a new password must be. It is safe for concurrent use; the zero
// Policy takes no password, start from [DefaultPolicy].
type Policy struct {
	MinLength int // in code points
	MaxBytes  int // in bytes of UTF-8
	// Verbatim takes passwords as they were typed, for an application whose sign-in does
	// not normalize them.
	Verbatim bool
	blocked  blockList
}

// DefaultPolicy is for a password that is the only factor. Where a second one is always
// asked, set MinLength to [MinLengthWithMFA].
func DefaultPolicy() Policy {
	return Policy{MinLength: DefaultMinLength, MaxBytes: DefaultMaxBytes, blocked: loadBlockList()}
}

// Normalize returns the form in which a password is judged and hashed, at reset and at
// sign-in alike: NFKC, so that "é" typed as one code point or as two is one password
// (NIST SP 800-63B-4, section 3.1.1.2). With Verbatim it is the password as it is.
func (p Policy) Normalize(password string) string {
	if p.Verbatim {
		return password
	}
	return norm.NFKC.String(password)
}

// Check judges a normalized password by what costs nothing: its characters, its length
// and the block list. The error is a [*Refusal].
func (p Policy) Check(password string) error {
	switch {
	case len(password) > p.MaxBytes:
		return refuse(TooLong, "The password is too long.",
			"Use at most "+count(p.MaxBytes)+" characters; those beyond plain English letters count as two to four.")
	case strings.ContainsFunc(password, untypable):
		return refuse(Invalid, "The password contains a character that cannot be typed, such as a tab or a line break.",
			"Use letters, digits, spaces and symbols.")
	case utf8.RuneCountInString(password) < p.MinLength:
		return refuse(TooShort, "The password is too short.",
			"Use at least "+count(p.MinLength)+" characters.", fewWords)
	case p.blocked.has(password):
		return refuse(Blocked, "The password is one of the most common ones.", fewWords)
	}
	return nil
}

// untypable reports control characters and the replacement character. The latter stands
// for bytes that are not UTF-8, here and in what a JSON decoder made of them: two
// passwords that differ there only would be one.
func untypable(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
