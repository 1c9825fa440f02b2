package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/rekeyhq/rekey/internal/body"
	"github.com/rekeyhq/rekey/starter"
)

const (
	typeJSON = body.JSON
	typeForm = body.Form
)

// success is the JSON answer to a successful request. The word is FlowFuse's, so that its front
// end works unchanged.
type success struct {
	Status  string            `json:"status"` // okay, or pending with 202
	State   starter.LinkState `json:"state,omitempty"`
	Email   string            `json:"email,omitempty"`
	Expires time.Time         `json:"expires,omitzero"`
}

// failure is the JSON answer to every other request. FlowFuse's front end reads the text from
// either name. Error is in English; Message and Suggestions are in the client's language.
type failure struct {
	Status      string          `json:"status"` // error
	Code        string          `json:"code"`
	Error       string          `json:"error"`
	Message     string          `json:"message"`
	Suggestions []string        `json:"suggestions,omitempty"`
	Challenge   *starter.Puzzle `json:"challenge,omitempty"`
}

// say answers a successful request: a form is redirected to the page, JSON gets JSON.
func (h *handler) say(w http.ResponseWriter, r *http.Request, status int, answer success, page string) {
	if wantsPage(r) {
		h.goTo(w, http.StatusSeeOther, page)
		return
	}
	h.answer(w, r, status, answer)
}

// answer is a JSON answer that names its language.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, status int, answer success) {
	l, _ := h.languageOf(r, "")
	speaks(w, l)
	writeJSON(w, status, answer)
}

// fail answers a failed request, on a page of its own where a page is due.
func (h *handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.failOn(w, r, err, view{Page: "problem"})
}

// failOn answers with the problem shown on v, so that the reader can correct the form.
func (h *handler) failOn(w http.ResponseWriter, r *http.Request, err error, v view) {
	if wantsPage(r) {
		h.failPage(w, r, err, v)
		return
	}
	p := h.begin(w, r, err)
	l, _ := h.languageOf(r, v.Locale)
	told := p.in(l)
	speaks(w, l)
	writeJSON(w, p.Status, failure{Status: "error", Code: p.Code, Error: p.Text, Message: told.Text, Suggestions: told.Suggestions, Challenge: v.Puzzle})
}

// failPage is failOn for routes that have only a page.
func (h *handler) failPage(w http.ResponseWriter, r *http.Request, err error, v view) {
	l, _ := h.languageOf(r, v.Locale)
	p := h.begin(w, r, err).in(l)
	v.Problem = &p
	if p.Again || p.Retry != "" {
		v.Again = h.retryPage(r, v.Token)
		v.Reopen = v.Again == ""
	}
	h.page(w, r, p.Status, v)
}

// retryPage is the page for another attempt: the page itself, or that of the posted form. It is ""
// when that page needs the link in the email.
func (h *handler) retryPage(r *http.Request, token string) string {
	form := h.formPage(r)
	switch {
	case token != "":
		return h.base + h.flow(r).Page + "/" + token
	case form == forgotPath:
		return h.base + form
	case form != "":
		return ""
	default:
		return h.base + r.URL.EscapedPath()
	}
}

// begin looks the problem up and does the common part of pages and JSON.
func (h *handler) begin(w http.ResponseWriter, r *http.Request, err error) problem {
	p := h.flow(r).say(problemOf(err))
	note(w, p, err)
	h.metrics.WithTags(map[string]string{"code": p.Code}).Counter(failures).Inc(1)
	if p.Retry != "" {
		w.Header().Set("Retry-After", p.Retry)
	}
	return p
}

// wantsPage reports whether the answer is for a person. A post is answered in kind; a request
// without a body is a person's when it accepts HTML.
func wantsPage(r *http.Request) bool {
	switch body.MediaType(r) {
	case typeForm:
		return true
	case typeJSON:
		return false
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// page writes the whole page or, when a template fails, none of it.
func (h *handler) page(w http.ResponseWriter, r *http.Request, status int, v view) {
	var out bytes.Buffer
	v.language, v.Locale = h.languageOf(r, v.Locale)
	v.site, v.Flow, v.CleanURL = h.sites[v.language.Tag()], h.flow(r), h.cleanURL(r.URL.Path)
	if err := h.pages.render(&out, v); err != nil {
		note(w, internal, err)
		http.Error(w, internal.Text, internal.Status)
		return
	}
	speaks(w, v.language)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the client may have hung up
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", typeJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the types above always marshal, and the client may have hung up
}
