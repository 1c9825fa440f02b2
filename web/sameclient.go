package web

import (
	"net/http"
	"net/netip"
	"sync"

	"github.com/rs/zerolog"
)

// sameClient tells an operator that many people look like one client here, whose limit they
// share: the proxies in front and --trusted-proxies do not fit. Each way of that is told once in
// the life of a process, or strangers could fill the log.
type sameClient struct {
	log     zerolog.Logger
	proxies []netip.Prefix
	// A stranger on the internet can send the header too; that tells nothing of the proxies
	// inside and must not take the place of the line about them.
	outside, inside, unread, shared sync.Once
}

// look compares the peer of a request with what it says, and the client that was found.
func (s *sameClient) look(r *http.Request, client netip.Addr) {
	peer := parseHop(r.RemoteAddr)
	switch {
	case r.Header.Values(forwardedFor) != nil && !trusted(peer, s.proxies):
		once := &s.outside
		if local(peer) {
			once = &s.inside
		}
		s.say(once, peer, "X-Forwarded-For of a peer that is no trusted proxy was ignored, so all who come through that peer share one limit. "+
			"If it is a proxy of yours, add it to --trusted-proxies ($REKEY_TRUSTED_PROXIES)")
	case trusted(client, s.proxies):
		s.say(&s.unread, peer, "A trusted proxy named no client in X-Forwarded-For, or named only trusted addresses, so all who come through it share one limit. "+
			"Make it set that header, or take it out of --trusted-proxies ($REKEY_TRUSTED_PROXIES)")
	}
}

// refused is told that a client made too many requests. On a network of one's own that is
// rather a proxy than a person.
func (s *sameClient) refused(client netip.Addr) {
	if local(client) {
		s.say(&s.shared, client, "A client on a private network made too many requests. If it is a proxy, all who come through it share one limit: "+
			"make it set X-Forwarded-For, and add it to --trusted-proxies ($REKEY_TRUSTED_PROXIES)")
	}
}

func (s *sameClient) say(once *sync.Once, addr netip.Addr, text string) {
	once.Do(func() { s.log.Warn().Stringer("addr", addr).Msg(text) })
}

// sharedSpace is what providers have between their customers and the internet (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func local(addr netip.Addr) bool {
	return addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || sharedSpace.Contains(addr)
}
