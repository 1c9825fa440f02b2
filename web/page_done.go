package web

import (
	"errors"
	"net/http"

	"github.com/rekeyhq/rekey/starter"
)

// The pages after accepted forms (post/redirect/get): each may be opened again, and its address
// holds no secret.
const (
	sentPath     = "/account/link-sent"
	pendingPath  = "/account/password-pending"
	changedPath  = "/account/password-changed"
	canceledPath = "/account/reset-canceled"
	cancelPath   = "/account/cancel-pending"
)

// forgotPath is the page that requests a link; each other form needs one.
const forgotPath = "/account/forgot-password"

// formOf is the page of the form that is posted to a path. A browser gets there when it opens the
// address of a refused form without posting it again.
var formOf = map[string]string{
	"/account/forgot_password":        forgotPath,
	"/account/reset_password":         "/account/change-password",
	"/account/reset_password/{token}": "/account/change-password",
	"/account/cancel_reset":           "/account/cancel-reset",
	"/account/cancel_reset/{token}":   "/account/cancel-reset",
}

// goTo redirects a browser to a page with GET.
func (h *handler) goTo(w http.ResponseWriter, status int, path string) {
	w.Header().Set("Location", h.site.Base+path)
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
	ticket := r.PathValue("ticket")
	state, err := h.resets.Followed(r.Context(), ticket)
	switch {
	case err == nil && state == starter.LinkChanged:
		h.goTo(w, http.StatusSeeOther, changedPath)
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
	ticket, err := h.resets.Follow(token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.goTo(w, http.StatusSeeOther, pendingPath+"/"+ticket)
}
