package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/rekeyhq/rekey/internal/body"
	"github.com/rekeyhq/rekey/starter"
)

// forgotPage shows the form that requests a mail.
func (h *handler) forgotPage(w http.ResponseWriter, r *http.Request) {
	sendOrigin(w)
	h.page(w, r, http.StatusOK, view{Page: "forgot"})
}

// forgot starts a reset. The answer to every well-formed address is the same and names none, so it
// reveals no account (OWASP Forgot Password Cheat Sheet).
func (h *handler) forgot(w http.ResponseWriter, r *http.Request) {
	sendOrigin(w)
	f, err := body.Read(w, r, body.Max, "email", "challenge", "locale")
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if wantsPage(r) {
		f["email"] = strings.TrimSpace(f["email"]) // as a field of the type email does, which takes no letters beyond ASCII
	}
	err = h.request(r, f)
	v := view{Page: "forgot", Address: f["email"], Locale: f["locale"]}
	if errors.Is(err, starter.ErrOverloaded) && h.proof != nil && f["challenge"] == "" {
		if v.Puzzle, err = h.puzzle(); err == nil {
			err = starter.ErrOverloaded
		}
	}
	if err != nil {
		h.failOn(w, r, err, v)
		return
	}
	page := sentPath
	if _, locale := h.languageOf(r, f["locale"]); locale != "" {
		page += "?locale=" + locale
	}
	h.say(w, r, http.StatusOK, success{Status: "okay"}, page)
}

// puzzle is one for a client that has solved none yet: a page that solves again and again would
// add to the load.
func (h *handler) puzzle() (*starter.Puzzle, error) {
	p, err := h.proof.Puzzle()
	return &p, err
}

// request starts a reset, and tries once more for a client that passes the challenge when no other
// is served.
func (h *handler) request(r *http.Request, f body.Fields) error {
	l, _ := h.languageOf(r, f["locale"])
	ctx := starter.WithLocale(r.Context(), l.Tag())
	err := h.resets.Request(ctx, f["email"])
	if !errors.Is(err, starter.ErrOverloaded) || !h.challenge.Passed(ctx, f["challenge"], starter.ClientAddr(ctx)) {
		return err
	}
	if h.proof != nil {
		return h.resets.Request(starter.WithProofPassed(ctx), f["email"])
	}
	return h.resets.Request(starter.WithChallengePassed(ctx), f["email"])
}

// wellKnown redirects a password manager to the page that changes a password (W3C "A Well-Known
// URL for Changing Passwords"). That is the page of the host application, or rekey's own without
// one.
func (h *handler) wellKnown(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, h.change, http.StatusFound)
}
