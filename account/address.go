package account

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Bounds on an address (RFC 5321 sections 4.5.3.1.1 and 4.5.3.1.3).
const (
	maxAddress = 254
	maxLocal   = 64
)

// ErrAddress means that a text is no mail address that rekey takes.
var ErrAddress = errors.New("not a mail address such as name@example.com")

// ParseAddress returns a mail address in the one form in which addresses are stored
// and compared: the local part in lower case, the domain in A-labels (RFC 5890). It
// takes an ASCII dot-atom and a domain name. A quoted local part, an address literal, a
// display name and a comment are ErrAddress: they are valid in RFC 5322 and are what
// addresses are confused with.
//
// Only ASCII letters are folded, since wider folding makes two people's addresses one
// (Django CVE-2019-19844). A Unicode domain is mapped as browsers do (UTS 46), which
// never joins two domains: only the mapped name can be registered.
func ParseAddress(s string) (string, error) {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > maxAddress || len(local) > maxLocal || !isDotAtom(local) || !utf8.ValidString(domain) {
		return "", ErrAddress
	}
	domain, err := toASCII(domain)
	if err != nil || !isHost(domain) {
		return "", ErrAddress
	}
	address := strings.ToLower(local) + "@" + domain
	if len(address) > maxAddress {
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

// Deliverable is a stored address as mail servers take it: a Unicode domain in A-labels, the
// local part as it is, since only the server knows whether case matters there. What needs no
// change, or cannot be mended, comes back as it is.
func Deliverable(stored string) string {
	local, domain, _ := strings.Cut(stored, "@")
	ascii, err := toASCII(domain)
	if err != nil || strings.EqualFold(ascii, domain) {
		return stored
	}
	return local + "@" + ascii
}

// registration takes what could be registered as a name, however it is spelled.
var registration = idna.New(idna.ValidateForRegistration(), idna.MapForLookup())

// toASCII wants a name that is a name in its final form too. ToASCII judges the direction
// of writing (RFC 5893) by what was typed: the sign \u2135 runs to the right, the letter
// that it is mapped to runs to the left and may not stand before an "a".
func toASCII(domain string) (string, error) {
	domain, err := registration.ToASCII(domain)
	if err != nil {
		return "", err
	}
	return registration.ToASCII(domain)
}

// isDotAtom reports whether s is an ASCII dot-atom (RFC 5322 section 3.2.3).
func isDotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, notAtext) {
			return false
		}
	}
	return true
}

func notAtext(r rune) bool {
	letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	return !letter && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// isHost wants a dot, because there is no mail to a bare top-level domain, and a last
// label that is no number, because that is an IPv4 address (RFC 3696 section 2).
// localhost is for development.
func isHost(domain string) bool {
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	return domain == "localhost" || last != domain && strings.Trim(last, "0123456789") != ""
}
