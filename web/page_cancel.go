package web

import (
	"errors"
	"net/http"

	"github.com/rekeyhq/rekey/starter"
)

// cancelPage offers a button. The link itself must do nothing: mail scanners
// follow every link of a mail.
func (h *handler) cancelPage(w http.ResponseWriter, r *http.Request) {
	h.page(w, r, http.StatusOK, view{Page: "cancel", Token: r.PathValue("token")})
}

// cancel cancels a reset, or declines an invitation. It works while the feature is switched off too: it
// only takes power from a link.
func (h *handler) cancel(w http.ResponseWriter, r *http.Request) {
	f := h.flow(r)
	token, _, err := tokenOf(w, r)
	if err == nil {
		err = f.cancel(r.Context(), token)
	}
	switch {
	case err == nil:
		h.say(w, r, http.StatusOK, success{Status: "okay"}, f.Canceled)
	case errors.Is(err, starter.ErrPending):
		h.say(w, r, http.StatusAccepted, success{Status: "pending"}, f.Canceling)
	case errors.Is(err, starter.ErrUnavailable):
		h.failOn(w, r, err, view{Page: "cancel", Token: token})
	default:
		h.failOn(w, r, err, view{Page: "problem", Canceling: true})
	}
}

// shellPage is the address of a token page after its token left the address bar. Its script finds
// the token again (see static/rekey.js).
func (h *handler) shellPage(v view) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { h.page(w, r, http.StatusOK, v) }
}
