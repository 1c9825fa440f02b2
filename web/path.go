package web

import (
	"net/http"
	"path"
	"strings"
)

// spelled looks at the path before the mux, which redirects //account/... and /account/../... by
// itself. Such a redirect leads to the root of the host, without the path of a base URL. A link's
// token would go to another application there. Here such a path is not found. Programs and people
// add a slash at the end; it means nothing.
func (h *handler) spelled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.URL.EscapedPath()
		plain := path.Clean("/" + given)
		switch given {
		case plain:
		case plain + "/":
			short := *r.URL
			short.Path, short.RawPath = strings.TrimSuffix(short.Path, "/"), strings.TrimSuffix(short.RawPath, "/")
			r.URL = &short
		default:
			h.fail(w, r, errNotFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}
