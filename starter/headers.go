package starter

import "net/http"

// contentPolicy allows our own files and nothing else: no inline script or
// style, no third party, no framing, no base tag (OWASP ASVS 5.0, chapter V3).
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secured sets the headers that all answers share. They are right for a page
// that has a token in its URL; a handler loosens what it may.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		set := w.Header().Set
		set("Content-Security-Policy", contentPolicy)
		set("Referrer-Policy", "no-referrer")
		set("Cache-Control", "no-store")
		set("X-Content-Type-Options", "nosniff")
		set("X-Frame-Options", "DENY")
		set("X-Robots-Tag", "noindex, nofollow")
		set("Cross-Origin-Opener-Policy", "same-origin")
		set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// sendOrigin is for the pages without a token. Under no-referrer a browser posts
// their form with "Origin: null", which cannot be told from a foreign one.
func sendOrigin(w http.ResponseWriter) {
	w.Header().Set("Referrer-Policy", "strict-origin")
}
