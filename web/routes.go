package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rekeyhq/rekey/starter"
)

// route is one method of one path.
type route struct {
	method, path string
	serve        http.HandlerFunc
}

// routes lists all routes; openapi.yaml describes the same set and a test compares the two. Each
// flow adds its flowRoutes.
func (h *handler) routes() []route {
	all := []route{
		{"POST", forgotForm, h.write(h.when(h.enabled, h.sameOrigin(h.forgot)))},
		{"GET", forgotPath, h.when(h.enabled, h.forgotPage)},
		{"GET", sentPath, h.sentPage},
		{"GET", "/account/static/{file}", h.static},
		{"GET", "/api/v1/settings", h.settings},
		{"GET", "/openapi.yaml", h.openAPI},
		{"GET", wellKnownPath, h.wellKnown},
	}
	for _, f := range h.flows {
		for _, r := range h.flowRoutes(f) {
			h.byRoute[r.path] = f
			all = append(all, r)
		}
	}
	return all
}

// mux serves the routes; another method of a known path is 405 with Allow, and
// another path is 404, both with a code.
func (h *handler) mux() *http.ServeMux {
	mux, allow := http.NewServeMux(), map[string][]string{}
	for _, r := range h.routes() {
		mux.HandleFunc(r.method+" "+r.path, r.serve)
		allow[r.path] = append(allow[r.path], r.method)
		if r.method == "GET" {
			allow[r.path] = append(allow[r.path], "HEAD")
		}
	}
	for path, methods := range allow {
		slices.Sort(methods)
		mux.HandleFunc(path, h.wrongMethod(strings.Join(methods, ", ")))
	}
	mux.HandleFunc("/", h.failing(errNotFound))
	return mux
}

// wrongMethod answers 405 (RFC 9110 section 15.5.6 wants Allow with it). A browser that opens the
// address of a form is redirected to the page of that form.
func (h *handler) wrongMethod(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		form := h.formPage(r)
		if form != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && wantsPage(r) {
			h.goTo(w, http.StatusFound, form)
			return
		}
		w.Header().Set("Allow", allow)
		h.fail(w, r, errMethod)
	}
}

// failing always answers with err.
func (h *handler) failing(err error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { h.fail(w, r, err) }
}

// write limits the requests that can change something.
func (h *handler) write(next http.HandlerFunc) http.HandlerFunc {
	return h.limited(h.posts, next)
}

// read limits the requests that change nothing but call Temporal.
func (h *handler) read(next http.HandlerFunc) http.HandlerFunc {
	return h.limited(h.reads, next)
}

func (h *handler) limited(l limiter, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		client := starter.ClientAddr(r.Context())
		h.same.look(r, client)
		if l.exceeded(w, r, client) {
			h.same.refused(client)
			h.fail(w, r, errTooMany)
			return
		}
		next(w, r)
	}
}

// when refuses everything while a feature flag is off.
func (h *handler) when(enabled bool, next http.HandlerFunc) http.HandlerFunc {
	if enabled {
		return next
	}
	return h.failing(errDisabled)
}

// sameOrigin refuses requests that another site makes a browser send. Only the request for a mail
// needs it: the other posts carry a token that no other site knows. Their pages send no referrer,
// which makes a browser without Sec-Fetch-Site post "Origin: null" from rekey's own form.
func (h *handler) sameOrigin(next http.HandlerFunc) http.HandlerFunc {
	return h.forgery.Handler(next).ServeHTTP
}
