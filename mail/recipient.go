package mail

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// recipient reads exactly one address: no name, no comment, no line break, no second address.
// Hosts have addresses that RFC 5321 knows with quotes only, such as ann.@example.com. The
// result is written with them, and names the same mailbox (section 4.1.2).
func recipient(s string) (*mail.Address, bool) {
	at := strings.LastIndexByte(s, '@')
	unprinted := func(r rune) bool { return !unicode.IsPrint(r) }
	if at < 0 || !utf8.ValidString(s) || strings.ContainsFunc(s, unprinted) || !isASCII(s[at:]) {
		return nil, false
	}
	written := s
	if !strings.HasPrefix(s, `"`) {
		if strings.ContainsAny(s[:at], ` "(),:;<>@[\]`) {
			return nil, false
		}
		written = (&mail.Address{Address: s}).String()
	}
	to, err := mail.ParseAddress(written)
	return to, err == nil && to.Name == "" && strings.HasSuffix(to.Address, s[at:])
}
