package account

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxAddress bounds an address in bytes (RFC 5321 section 4.5.3.1.3).
const maxAddress = 254

// ErrAddress means that a text cannot be a mail address.
var ErrAddress = errors.New("not a mail address such as name@example.com")

// ParseAddress returns a mail address in the one form in which addresses are stored and
// compared: ASCII letters in lower case, the domain in A-labels (RFC 5890). It takes addresses
// that hosts have in their tables, even against an RFC. Before the @ they may have dots
// anywhere, letters beyond ASCII or quotes. A domain may be one label or have digits only, or
// an underline.
//
// ErrAddress means that the text cannot be one mail address: no @ or two, spaces and control
// characters, a display name, a comment, a list. An address literal is refused too: no mail
// domain of a host is one (RFC 5321 section 4.1.3 wants it avoided).
//
// Only ASCII letters are folded, since wider folding makes two people's addresses one
// (Django CVE-2019-19844). A Unicode domain is mapped as browsers do (UTS 46), which
// never joins two domains: only the mapped name can be registered.
func ParseAddress(s string) (string, error) {
	local, domain := cut(s)
	if len(s) > maxAddress || !utf8.ValidString(s) || !isLocal(local) {
		return "", ErrAddress
	}
	domain = toASCII(domain)
	address := lower(local) + "@" + domain
	if !host.MatchString(domain) || len(address) > maxAddress {
		return "", ErrAddress
	}
	return address, nil
}

// SameAddress reports whether two addresses are one. Neither need be normalized; one
// that cannot be is the same as none.
func SameAddress(a, b string) bool {
	x, errX := ParseAddress(a)
	y, errY := ParseAddress(b)
	return errX == nil && errY == nil && x == y
}

// Deliverable returns a stored address as mail servers take it, with a Unicode domain in
// A-labels. The local part stays: only the server knows whether case matters there. An address
// that needs no change, or cannot be converted, is returned unchanged.
func Deliverable(stored string) string {
	local, domain := cut(stored)
	ascii := toASCII(domain)
	if strings.EqualFold(ascii, domain) {
		return stored
	}
	return local + "@" + ascii
}

// cut splits an address at its last @: a quoted local part may hold another.
func cut(address string) (local, domain string) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return "", address
	}
	return address[:at], address[at+1:]
}

// lower folds the letters of ASCII.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// The names that can be registered, and others that browsers resolve: emoji, underlines.
var (
	registration = idna.New(idna.ValidateForRegistration(), idna.MapForLookup())
	lookup       = idna.New(idna.MapForLookup(), idna.StrictDomainName(false))
)

// toASCII returns a domain in A-labels, or in lower case when it cannot be converted.
// Registration wants a name that is valid in its final form too. ToASCII judges the direction
// of writing (RFC 5893) by the typed text. The sign \u2135 runs to the right. Its mapped letter
// runs to the left and may not stand before an "a".
func toASCII(domain string) string {
	for _, profile := range []*idna.Profile{registration, lookup} {
		if once, err := profile.ToASCII(domain); err == nil {
			if twice, err := profile.ToASCII(once); err == nil {
				return twice
			}
		}
	}
	return lower(domain)
}

// host is a name of labels (RFC 1035 section 2.3.4), with underlines.
var host = regexp.MustCompile(`^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$`)

// quoted is a quoted local part (RFC 5321 section 4.1.2): each quote and backslash inside
// has a backslash before it.
var quoted = regexp.MustCompile(`^"(?:[^"\\]|\\.)+"$`)

// isLocal reports that s can stand before the @ of one address. Outside of quotes the
// characters are left out that separate addresses, names and comments.
func isLocal(s string) bool {
	strange := func(r rune) bool {
		return strings.ContainsRune(` "(),:;<>@[\]`, r) || !isPrinted(r)
	}
	if quoted.MatchString(s) {
		strange = func(r rune) bool { return !isPrinted(r) }
	}
	return s != "" && !strings.ContainsFunc(s, strange)
}

// IsLine reports that a text is one line of characters that are seen, and plain spaces, and has that
// many at most. Others would change how a mail reads: line breaks, and marks that turn the direction
// of writing.
func IsLine(text string, most int) bool {
	return utf8.RuneCountInString(text) <= most &&
		!strings.ContainsFunc(text, func(r rune) bool { return !isPrinted(r) })
}

// isPrinted reports a character that is seen, or a plain space.
func isPrinted(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }

// Spellings are the ways in which a normalized address may be stored, in lower case of a database:
// with the domain in A-labels and in letters. A locale that knows letters beyond ASCII folds those
// of the local part too.
func Spellings(address string) []string {
	at := strings.LastIndexByte(address, '@') + 1
	locals, domains := []string{address[:at], strings.ToLower(address[:at])}, []string{address[at:]}
	if letters, err := idna.ToUnicode(address[at:]); err == nil {
		domains = append(domains, letters)
	}
	var all []string
	for _, local := range slices.Compact(locals) {
		for _, domain := range slices.Compact(domains) {
			all = append(all, local+domain)
		}
	}
	return all
}
