package web

import (
	"net/http"
	"slices"
)

// contentPolicy allows only rekey's own files: no inline script or style, no third party, no
// framing, no base tag (OWASP ASVS 5.0, chapter V3).
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// shared are the names and values of the headers of all answers. They are right for a page with a
// token in its URL; a handler may loosen them. No code writes to shared.
var shared = [...][2]string{
	{"Content-Security-Policy", contentPolicy},
	{"Referrer-Policy", "no-referrer"},
	{"Cache-Control", "no-store"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{"X-Robots-Tag", "noindex, nofollow"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
}

// strictTransport makes a browser use https alone for this host for a year (RFC 6797; OWASP ASVS
// 5.0, 3.4.1). So no listener on the way sees a link that was typed or cut to http. It leaves
// subdomains out: they may have other owners.
var strictTransport = [2]string{"Strict-Transport-Security", "max-age=31536000"}

// secured sets the shared headers. Each answer has values of its own, which a host application may
// change. All of them are in one allocation.
func (h *handler) secured(next http.Handler) http.Handler {
	all := shared[:]
	if h.strict {
		all = append(slices.Clone(all), strictTransport)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header, values := w.Header(), make([]string, len(all))
		for i, h := range all {
			values[i] = h[1]
			header[h[0]] = values[i : i+1 : i+1]
		}
		next.ServeHTTP(w, r)
	})
}

// sendOrigin is for the pages without a token. Under no-referrer a browser posts their form with
// "Origin: null", which looks like a foreign one.
func sendOrigin(w http.ResponseWriter) {
	w.Header().Set("Referrer-Policy", "strict-origin")
}
