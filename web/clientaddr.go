package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientOf is the client address of a request: the peer, or, while that is a trusted proxy, the
// hop before it in X-Forwarded-For. It reads the hops from the right. Hops further left, X-Real-IP
// and True-Client-IP can be forged. The zero Addr means unknown; all unknown clients share one
// limit.
func clientOf(r *http.Request, proxies []netip.Prefix) netip.Addr {
	client := parseHop(r.RemoteAddr)
	hops := strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !trusted(client, proxies) {
			break
		}
		hop = strings.TrimSpace(hop)
		if hop == "" { // as in any list of HTTP (RFC 9110 section 5.6.1)
			continue
		}
		next := parseHop(hop)
		if !next.IsValid() {
			break
		}
		client = next
	}
	return client
}

func trusted(addr netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

const forwardedFor = "X-Forwarded-For"

// parseHop reads an address. It accepts a port (Azure's gateways add one), brackets (also without
// a port) and quotes, as proxies copy them from Forwarded (RFC 7239 section 6). An IPv4 address
// written as IPv6 is the IPv4 address; a zone means nothing here. Other text, such as "unknown",
// gives the zero Addr.
func parseHop(s string) netip.Addr {
	s = strings.Trim(s, `"`)
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = strings.TrimSuffix(inner, "]")
	}
	port, err := netip.ParseAddrPort(s) // first, because every peer has one
	addr := port.Addr()
	if err != nil {
		if addr, err = netip.ParseAddr(s); err != nil {
			return netip.Addr{}
		}
	}
	return addr.Unmap().WithZone("")
}
