package web

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/rekeyhq/rekey/internal/body"
	"github.com/rekeyhq/rekey/starter"
)

// changePage shows the state of a mailed link. It changes nothing, so a mail scanner that follows
// the link does not use it up.
func (h *handler) changePage(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	link, err := h.flow(r).links.Inspect(r.Context(), token)
	if err != nil {
		h.failPage(w, r, err, view{Page: "problem", Token: token})
		return
	}
	switch link.State {
	case starter.LinkOpen:
		h.page(w, r, http.StatusOK, linkView("change", token, link))
	case starter.LinkPending:
		h.waitPage(w, r, token, link)
	case starter.LinkChanged:
		h.page(w, r, http.StatusOK, linkView("changed", token, link))
	}
}

// waitPage is the page that waits, for the reader of the link. It names the account, so it may be
// shown without coming from rekey's own form (pendingPage).
func (h *handler) waitPage(w http.ResponseWriter, r *http.Request, token string, link starter.Link) {
	ticket, err := h.flow(r).links.Follow(token)
	if err != nil {
		h.failPage(w, r, err, view{Page: "problem", Token: token})
		return
	}
	v := linkView("pending", token, link)
	v.Ticket = ticket
	h.page(w, r, http.StatusAccepted, v)
}

// linkView is a page with the facts that the holder of a link may know about it.
func linkView(page, token string, link starter.Link) view {
	return view{Page: page, Token: token, Address: link.Address, Expires: link.Expires, Left: link.Left, MaxBytes: link.MaxBytes}
}

// linkState is changePage for a program.
func (h *handler) linkState(w http.ResponseWriter, r *http.Request) {
	link, err := h.flow(r).links.Inspect(r.Context(), r.PathValue("token"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.answer(w, r, http.StatusOK, success{Status: "okay", State: link.State, Email: link.Address, Expires: link.Expires})
}

// submit sets a password. The token is in the path or, from rekey's own page, in the body. A
// form has the password twice; JSON needs no second one.
func (h *handler) submit(w http.ResponseWriter, r *http.Request) {
	f := h.flow(r)
	token, body, err := tokenOf(w, r, "password", "confirm")
	if err != nil {
		h.fail(w, r, err)
		return
	}
	err = errMismatch
	if confirm, ok := body["confirm"]; !ok || confirm == body["password"] {
		err = f.links.Submit(r.Context(), token, body["password"])
	}
	switch {
	case err == nil:
		h.say(w, r, http.StatusOK, success{Status: "okay"}, f.Done)
	case errors.Is(err, starter.ErrPending) && wantsPage(r):
		h.follow(w, r, token)
	case errors.Is(err, starter.ErrPending):
		h.answer(w, r, http.StatusAccepted, success{Status: "pending"})
	default:
		h.submitFailed(w, r, token, err)
	}
}

// submitFailed shows the form again as long as the link is good. It reads the address from the link
// once more: a field of the form could be forged.
func (h *handler) submitFailed(w http.ResponseWriter, r *http.Request, token string, err error) {
	if !wantsPage(r) || problemOf(err).Over {
		h.fail(w, r, err)
		return
	}
	link, gone := h.flow(r).links.Inspect(r.Context(), token)
	switch {
	case gone != nil && problemOf(gone).Over:
		h.fail(w, r, gone)
	case gone != nil && link.Expires.IsZero(): // expired, with an unknown result
		h.failPage(w, r, err, view{Page: "problem", Token: token})
	case gone == nil && link.State == starter.LinkPending:
		h.follow(w, r, token)
	case gone == nil && link.State == starter.LinkChanged: // with another password, as far as is known
		h.fail(w, r, starter.ErrLinkUsed)
	default:
		h.failOn(w, r, err, linkView("change", token, link))
	}
}

// tokenOf decodes a body that may hold the token, which the path has otherwise.
func tokenOf(w http.ResponseWriter, r *http.Request, names ...string) (string, body.Fields, error) {
	token := r.PathValue("token")
	if token == "" {
		names = append(names, "token")
	}
	f, err := body.Read(w, r, body.Max, names...)
	return cmp.Or(token, f["token"]), f, err
}
