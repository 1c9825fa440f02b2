package web

import (
	"errors"
	"net/http"

	"github.com/rekeyhq/rekey/starter"
)

// The page that requests a link, the path of its form, and the page after it. As the pages after
// all accepted forms (post/redirect/get), it may be opened again, and its address holds no secret.
const (
	forgotPath = "/account/forgot-password"
	forgotForm = "/account/forgot_password"
	sentPath   = "/account/link-sent"
)

// goTo redirects a browser to a page with GET.
func (h *handler) goTo(w http.ResponseWriter, status int, path string) {
	w.Header().Set("Location", h.base+path)
	w.WriteHeader(status)
}

// sentPage has the same text for every address, so it is true for every reader.
func (h *handler) sentPage(w http.ResponseWriter, r *http.Request) {
	h.page(w, r, http.StatusOK, view{Page: "sent"})
}

// donePage confirms a change or a cancel only to a browser that comes from rekey's own form. A page
// that can be opened or shared must not tell a stranger that a password was changed. A browser
// sends the origin of a request (Fetch Metadata). Without it the page confirms nothing.
func (h *handler) donePage(v view) http.HandlerFunc {
	return h.fromOurs(func(w http.ResponseWriter, r *http.Request) {
		h.page(w, r, http.StatusOK, v)
	})
}

// fromOurs serves a request that comes from rekey's own page, also by a reload of its own. Any
// other request gets the page that is the same for all addresses.
func (h *handler) fromOurs(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Site") != "same-origin" {
			h.page(w, r, http.StatusOK, view{Page: "again"})
			return
		}
		next(w, r)
	}
}

// pendingPage is for a submitted password that is not set yet. The ticket proves the submission,
// so Temporal may be away.
func (h *handler) pendingPage(w http.ResponseWriter, r *http.Request) {
	f, ticket := h.flow(r), r.PathValue("ticket")
	state, err := f.links.Followed(r.Context(), ticket)
	switch {
	case err == nil && state == starter.LinkChanged:
		h.goTo(w, http.StatusSeeOther, f.Done)
	case err == nil && state == starter.LinkOpen: // lost on its way to Temporal
		h.page(w, r, http.StatusOK, view{Page: "lost"})
	case errors.Is(err, starter.ErrLinkInvalid):
		h.page(w, r, http.StatusOK, view{Page: "again"})
	case err != nil && problemOf(err).Over:
		h.failPage(w, r, err, view{Page: "problem"})
	default:
		h.page(w, r, http.StatusAccepted, view{Page: "pending", Ticket: ticket})
	}
}

// follow redirects to the page that waits for the submission of a link.
func (h *handler) follow(w http.ResponseWriter, r *http.Request, token string) {
	f := h.flow(r)
	ticket, err := f.links.Follow(token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.goTo(w, http.StatusSeeOther, f.Pending+"/"+ticket)
}
