package web

import (
	"net/http"
	"path"
	"strings"
)

// spelled looks at the path before the mux does, which answers //account/... and
// /account/../... with a redirect of its own. Such a redirect leads to the root of the host:
// it has no path of a base URL before it, so a link's token went to what else is served
// there. Here such a path is not found. A slash at the end, as programs and people add
// one, means nothing.
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
