package account_test

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

var releasedNames = idna.New(idna.ValidateForRegistration(), idna.MapForLookup())

// released is ParseAddress of 0.2.0, which took less. Its results are in workflow IDs, token
// records and indexes.
func released(s string) (string, bool) {
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > 254 || len(local) > 64 || !releasedLocal(local) || !utf8.ValidString(domain) {
		return "", false
	}
	once, err := releasedNames.ToASCII(domain)
	if err != nil {
		return "", false
	}
	domain, err = releasedNames.ToASCII(once)
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	if err != nil || domain != "localhost" && (last == domain || strings.Trim(last, "0123456789") == "") {
		return "", false
	}
	address := strings.ToLower(local) + "@" + domain
	return address, len(address) <= 254
}

func releasedLocal(local string) bool {
	strange := func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
	}
	for atom := range strings.SplitSeq(local, ".") {
		if atom == "" || strings.ContainsFunc(atom, strange) {
			return false
		}
	}
	return true
}
