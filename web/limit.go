package web

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/httprate"
)

const (
	// readsPerPost is how many more reads than posts a client may make: a page that waits for its
	// change reads every two seconds.
	readsPerPost = 6
	// sitesPerBlock is how many full /64 networks of one /48 are served at once. A hosting
	// customer gets a whole /48 for free, an office shares one.
	sitesPerBlock = 8
)

// limiter bounds the requests of one client per minute. A client is an IPv4 address or an IPv6
// /64, and beyond it the /48 of the /64. No limit is per account: it would reveal accounts and
// lock owners out (OWASP Forgot Password). The zero limiter lets everything through.
type limiter struct{ client, block *httprate.RateLimiter }

func newLimiter(perMinute int) limiter {
	if perMinute == 0 {
		return limiter{}
	}
	silent := httprate.WithResponseHeaders(httprate.ResponseHeaders{})
	return limiter{
		client: httprate.NewRateLimiter(perMinute, time.Minute, silent),
		block:  httprate.NewRateLimiter(sitesPerBlock*perMinute, time.Minute, silent),
	}
}

// exceeded counts the request, unless it is one too many. The narrow bucket comes first, so that
// one greedy /64 cannot use up the /48 of its neighbours.
func (l limiter) exceeded(w http.ResponseWriter, r *http.Request, client netip.Addr) bool {
	if l.client == nil {
		return false
	}
	if !client.Is6() {
		return l.client.OnLimit(w, r, client.String())
	}
	return l.client.OnLimit(w, r, network(client, 64)) || l.block.OnLimit(w, r, network(client, 48))
}

func network(client netip.Addr, bits int) string {
	prefix, err := client.Prefix(bits)
	if err != nil { // bits is a constant that fits
		return client.String()
	}
	return prefix.String()
}
