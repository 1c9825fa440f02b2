package mail

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// sender reads the sender of rekey's mails. Its domain becomes A-labels, since mail servers
// know no others. A local part beyond ASCII would need SMTPUTF8.
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

// urlInASCII is an absolute URL as it can stand in a mail. Its host is in A-labels, as browsers
// show it where they doubt the letters, and the rest is percent-encoded. Readers of mails end a
// link at letters beyond ASCII. A URL in ASCII stays as it is, and so does a text that is no
// URL. A mailto URL gets A-labels too.
func urlInASCII(text string) (string, error) {
	u, err := url.Parse(text)
	if isASCII(text) || err != nil || u.Host == "" && u.Scheme != "mailto" {
		return text, nil //nolint:nilerr // an address, a path, or a telephone number
	}
	if u.Scheme == "mailto" {
		u.Opaque, err = mailtoInASCII(u.Opaque)
	} else if !isASCII(u.Host) { // and no address in brackets
		port := strings.TrimPrefix(u.Host, u.Hostname())
		u.Host, err = inASCII(u.Hostname())
		u.Host += port
	}
	if err != nil {
		return "", errors.New("URL in mails: its host is not a valid name")
	}
	u.RawQuery = percent(u.RawQuery)
	return u.String(), nil
}

// mailtoInASCII is the addresses of a mailto URL with their domains in A-labels. A reader of
// mails need not know letters beyond ASCII there (RFC 6068 section 2).
func mailtoInASCII(to string) (_ string, err error) {
	addresses := strings.Split(to, ",")
	for i := range addresses {
		if addresses[i], err = domainInASCII(addresses[i]); err != nil {
			return "", err
		}
	}
	return percent(strings.Join(addresses, ",")), nil
}

// percent encodes the bytes beyond ASCII in a part of a URL.
func percent(part string) string {
	var b strings.Builder
	for _, c := range []byte(part) {
		if c > unicode.MaxASCII {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// dotAtom is the right side of a Message-ID that is a name (RFC 5322 section 3.2.3).
var dotAtom = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

// IDDomain is the right side of the Message-IDs of a host that sends mails (RFC 5322 section
// 3.6.4). It is the host, without the dot that ends a full name, or an IPv6 address as a
// literal. Any other text gives a reserved name.
func IDDomain(host string) string {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		return "[IPv6:" + addr.WithZone("").String() + "]"
	}
	if host = strings.TrimSuffix(host, "."); dotAtom.MatchString(host) {
		return host
	}
	return "rekey.invalid"
}

// name is a host name of a kind that no command is hidden in.
var name = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9])?$`)

// helloName is rekey's name in the greeting: a full name, or an address as a literal (RFC 5321
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
		return "", errors.New("name in the SMTP greeting: want a full name such as accounts.example.com, or an IP address")
	}
	return s, nil
}
