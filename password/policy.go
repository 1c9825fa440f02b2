package password

import (
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of [DefaultPolicy] (NIST SP 800-63B-4, section 3.1.1.2).
const (
	// DefaultMinLength is the minimum for a password that is the only factor.
	DefaultMinLength = 15
	// MinLengthWithMFA is the minimum where a second factor is always required.
	MinLengthWithMFA = 8
	// DefaultMaxBytes is far above the 64 characters that have to be allowed, and low
	// enough that hashing costs the same for all.
	DefaultMaxBytes = 1024
)

// Policy is the set of rules for a new password. It is safe for concurrent use; the zero Policy
// takes no password, start from [DefaultPolicy].
type Policy struct {
	MinLength int // in code points
	MaxBytes  int // in bytes of UTF-8
	// Verbatim takes passwords as they were typed, for an application whose sign-in does
	// not normalize them.
	Verbatim bool
	blocked  blockList
}

// DefaultPolicy is for a password that is the only factor. Where a second one is always
// required, set MinLength to [MinLengthWithMFA].
func DefaultPolicy() Policy {
	return Policy{MinLength: DefaultMinLength, MaxBytes: DefaultMaxBytes, blocked: loadBlockList()}
}

// Normalize returns the form in which a password is judged and hashed, at reset and at sign-in
// alike. It is NFKC, so that "é" typed as one code point or as two is one password (NIST SP
// 800-63B-4, section 3.1.1.2). With Verbatim it is the password as it is.
func (p Policy) Normalize(password string) string {
	if p.Verbatim {
		return password
	}
	return norm.NFKC.String(password)
}

// Check judges a password by the cheap rules: its characters, its length and the block list.
// The length counts the password as it was typed and as it is hashed, whichever is less. One
// key of an Arabic keyboard is eighteen code points in NFKC. The bound of the hash counts the
// hashed form. The error is a [*Refusal].
func (p Policy) Check(typed string) error {
	hashed := p.Normalize(typed)
	switch {
	case len(hashed) > p.MaxBytes:
		return refuse(TooLong, "The password is too long.",
			"Use at most "+count(p.MaxBytes)+" characters; those beyond plain English letters count as two to four.")
	case unseen(hashed):
		return refuse(Invalid, "The password holds a character that cannot be seen or typed.",
			"Copying brings such characters along, mostly at the ends: type the password, or delete what is before and behind it.")
	case min(utf8.RuneCountInString(typed), utf8.RuneCountInString(hashed)) < p.MinLength:
		return refuse(TooShort, "The password is too short.",
			"Use at least "+count(p.MinLength)+" characters.", fewWords)
	case p.blocked.has(hashed):
		return refuse(Blocked, "The password is one of the most common ones.", fewWords)
	}
	return nil
}
