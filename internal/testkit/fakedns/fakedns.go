// Package fakedns is a DNS server on loopback, with records that a test makes.
package fakedns

import (
	"context"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Zone has the records by name, without the dot at the end. A name without a record does not exist.
type Zone map[string]Records

// Records are those of one name.
type Records struct {
	TXT   []string
	MX    []string
	Fails bool // the server answers that it has failed
}

// Resolver returns a resolver that asks a server of the zone. The server ends with the test.
func Resolver(t *testing.T, zone Zone) *net.Resolver {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1232)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer, err := zone.answer(buffer[:n]); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (z Zone) answer(query []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		return nil, err
	}
	m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
	q := m.Questions[0]
	records, known := z[strings.TrimSuffix(strings.ToLower(q.Name.String()), ".")]
	switch {
	case records.Fails:
		m.RCode = dnsmessage.RCodeServerFailure
	case !known:
		m.RCode = dnsmessage.RCodeNameError
	}
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60}
	if q.Type == dnsmessage.TypeTXT {
		for _, text := range records.TXT {
			body := &dnsmessage.TXTResource{}
			for ; len(text) > 255; text = text[255:] {
				body.TXT = append(body.TXT, text[:255])
			}
			body.TXT = append(body.TXT, text)
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: body})
		}
	}
	if q.Type == dnsmessage.TypeMX {
		for _, host := range records.MX {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.MXResource{Pref: 10, MX: dnsmessage.MustNewName(host)}})
		}
	}
	return m.Pack()
}
