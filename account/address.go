package account

import (
	"errors"
	"net/mail"
	"strings"

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
// and compared: lower case in ASCII only, the domain in A-labels (RFC 5890). It takes a
// dot-atom local part and a domain name. A quoted local part, an address literal, a
// display name and a comment are ErrAddress: they are valid in RFC 5322 and are what
// addresses are confused with.
//
// Only ASCII letters are folded, since wider folding makes two people's addresses one
// (Django CVE-2019-19844).
func ParseAddress(s string) (string, error) {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > maxAddress || len(local) > maxLocal || !isDotAtom(local) {
		return "", ErrAddress
	}
	domain, err := registration.ToASCII(lowerASCII(domain))
	if err != nil || !isHost(domain) {
		return "", ErrAddress
	}
	address := lowerASCII(local) + "@" + domain
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || len(address) > maxAddress {
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

// registration is the strict profile: what could be registered as a name.
var registration = idna.New(
	idna.ValidateForRegistration(), idna.MapForLookup(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

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

// isHost wants a dot: mail to a bare top-level domain does not exist. localhost is
// for development.
func isHost(domain string) bool {
	return domain == "localhost" || strings.Contains(domain, ".") && !isNumeric(domain)
}

// isNumeric reports a domain that looks like an IPv4 address.
func isNumeric(domain string) bool {
	return !strings.ContainsFunc(domain, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
