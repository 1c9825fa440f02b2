package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rekeyhq/rekey/messages"
)

// languageOf is the language of an answer: that of the field "locale", else of the query's, else of
// Accept-Language. It never depends on an account. The tag is "" unless one was asked for
// explicitly.
func (h *handler) languageOf(r *http.Request, locale string) (l messages.Language, explicit string) {
	if locale == "" && strings.Contains(r.URL.RawQuery, "locale=") {
		locale = r.URL.Query().Get("locale")
	}
	l = h.messages.Match(locale, r.Header.Get("Accept-Language"))
	if locale != "" {
		explicit = l.Tag()
	}
	return l, explicit
}

// speaks names the language of an answer, and the header that a cache has to compare.
func speaks(w http.ResponseWriter, l messages.Language) {
	w.Header().Set("Content-Language", l.Tag())
	w.Header().Add("Vary", "Accept-Language")
}

// in is the problem in a language. Code and status stay.
func (p problem) in(l messages.Language) problem {
	p.Text, p.Hint, p.Suggestions = l.Translate(p.Text), l.Translate(p.Hint), slices.Clone(p.Suggestions)
	for i, s := range p.Suggestions {
		p.Suggestions[i] = l.Translate(s)
	}
	return p
}
