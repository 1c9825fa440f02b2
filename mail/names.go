package mail

import (
	"errors"
	"net/mail"
	"net/netip"
	"regexp"
	"strings"

	"golang.org/x/net/idna"
)

// sender reads the sender of our mails. Its domain becomes A-labels, since mail servers
// know no others; a local part beyond ASCII would need SMTPUTF8.
func sender(s string) (*mail.Address, error) {
	from, err := mail.ParseAddress(s)
	if err == nil {
		from.Address, err = domainInASCII(from.Address)
	}
	if err != nil || !isASCII(from.Address) {
		return nil, errors.New("sender of mails: want name@example.com or Name <name@example.com>")
	}
	return from, nil
}

func domainInASCII(address string) (string, error) {
	at := strings.LastIndexByte(address, '@')
	domain, err := inASCII(address[at+1:])
	return address[:at+1] + domain, err
}

// inASCII is a name in A-labels (RFC 5891). One in ASCII stays as it is.
func inASCII(name string) (string, error) {
	if isASCII(name) {
		return name, nil
	}
	return idna.Lookup.ToASCII(name)
}

// name is a host name of a kind that no command is hidden in.
var name = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9])?$`)

// helloName is what we call ourselves: a name, or an address as a literal (RFC 5321
// sections 4.1.1.1 and 4.1.3).
func helloName(s string) (string, error) {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil && addr.Zone() == "" {
		if addr = addr.Unmap(); addr.Is4() {
			return "[" + addr.String() + "]", nil
		}
		return "[IPv6:" + addr.String() + "]", nil
	}
	s, err := inASCII(s)
	if err != nil || !name.MatchString(s) {
		return "", errors.New("name that the mail server is greeted with: want a full name such as accounts.example.com, or an IP address")
	}
	return s, nil
}
