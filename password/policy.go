package password

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of [DefaultPolicy].
const (
	// DefaultMinLength is NIST's minimum for a password that is the only factor.
	DefaultMinLength = 15
	// MinLengthWithMFA is NIST's minimum where a second factor is always asked.
	MinLengthWithMFA = 8
	// DefaultMaxBytes is far above the 64 characters that NIST wants allowed, and low
	// enough that hashing costs the same for all.
	DefaultMaxBytes = 1024
)

// Policy says what a new password must be. It is safe for concurrent use; the zero
// Policy is none, start from [DefaultPolicy].
type Policy struct {
	MinLength int // in code points
	MaxBytes  int // in bytes of UTF-8
	blocked   blockList
}

// DefaultPolicy is for a password that is the only factor.
func DefaultPolicy() Policy {
	return Policy{MinLength: DefaultMinLength, MaxBytes: DefaultMaxBytes, blocked: loadBlockList()}
}

// Normalize returns the form in which a password is judged and hashed, at reset and at
// sign-in alike: NFKC, so that "é" typed as one code point or as two is one password.
func (Policy) Normalize(password string) string { return norm.NFKC.String(password) }

// Check judges a normalized password by what costs nothing: its characters, its length
// and the block list. The error is a [*Refusal].
func (p Policy) Check(password string) error {
	if !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl) {
		return refuse(Invalid, "The password contains a control character, such as a tab or a line break.",
			"Use letters, digits, spaces and symbols.")
	}
	if len(password) > p.MaxBytes {
		return refuse(TooLong, "The password is too long.", "Use at most "+count(p.MaxBytes)+" bytes.")
	}
	if utf8.RuneCountInString(password) < p.MinLength {
		return refuse(TooShort, "The password is too short.",
			"Use at least "+count(p.MinLength)+" characters.", "A few words that do not belong together are easy to remember.")
	}
	if p.blocked.has(password) {
		return refuse(Blocked, "This password is one of the most common ones.", "Choose one that only you would think of.")
	}
	return nil
}
