package web

import (
	"net/http"
	"net/netip"
	"sync"

	"github.com/rs/zerolog"
)

// sameClient warns an operator when many people look like one client and share its limit: the
// proxies in front and --trusted-proxies do not fit. Each warning is logged once in the life of a
// process, or strangers could fill the log.
type sameClient struct {
	log     zerolog.Logger
	proxies []netip.Prefix
	// A stranger on the internet can send the header too. That says nothing about the proxies
	// inside and must not replace the line about them.
	outside, inside, unread, shared sync.Once
}

// look compares the peer of a request with its headers and the resulting client.
func (s *sameClient) look(r *http.Request, client netip.Addr) {
	peer := parseHop(r.RemoteAddr)
	switch {
	case r.Header.Values(forwardedFor) != nil && !trusted(peer, s.proxies):
		once := &s.outside
		if local(peer) {
			once = &s.inside
		}
		s.say(once, peer, "X-Forwarded-For of an untrusted peer was ignored, so all clients behind that peer share one limit. "+
			"If it is your proxy, add it to --trusted-proxies ($REKEY_TRUSTED_PROXIES)")
	case trusted(client, s.proxies):
		s.say(&s.unread, peer, "A trusted proxy named no client in X-Forwarded-For, or named only trusted addresses, so all clients behind it share one limit. "+
			"Make it set that header, or take it out of --trusted-proxies ($REKEY_TRUSTED_PROXIES)")
	}
}

// refused notes that a client made too many requests. On a private network that is rather a proxy
// than a person.
func (s *sameClient) refused(client netip.Addr) {
	if local(client) {
		s.say(&s.shared, client, "A client on a private network made too many requests. If it is a proxy, all clients behind it share one limit: "+
			"make it set X-Forwarded-For, and add it to --trusted-proxies ($REKEY_TRUSTED_PROXIES)")
	}
}

func (s *sameClient) say(once *sync.Once, addr netip.Addr, text string) {
	once.Do(func() { s.log.Warn().Stringer("addr", addr).Msg(text) })
}

// sharedSpace is the network between providers' customers and the internet (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func local(addr netip.Addr) bool {
	return addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || sharedSpace.Contains(addr)
}
