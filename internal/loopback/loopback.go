// Package loopback distinguishes this machine from all others, to which nothing is sent in
// clear.
package loopback

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Is reports whether a host, with or without a port, is this machine: localhost, or an
// address of its loopback interface. Names are not looked up: an answer could change.
func Is(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	} else if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Web reports whether a URL is one of http or https with a host. That excludes javascript: and
// the like, and //host/..., which looks like a path.
func Web(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// Sealed reports whether data travels unread to a URL: it is https, or http to this machine.
func Sealed(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && Is(u.Host)
}
