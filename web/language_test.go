package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/messages"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
)

// Every page of each language has the lang and dir of it, no key in the place of a text, and no
// text of the English page.
func TestPagesOfEachLanguage(t *testing.T) {
	t.Parallel()
	key := regexp.MustCompile(`(page|problem|password|dates)\.[a-z]|\{\{|no value`)
	heading := regexp.MustCompile(`<h1>.*</h1>`)
	for _, p := range shownPages() {
		if p.name == "cross-origin" || p.status == 429 {
			continue
		}
		h := p.handler(t)
		for _, l := range messages.BuiltIn().Languages() {
			method, kind := "GET", forPage
			if p.post != "" {
				method, kind = "POST", asForm
			}
			w := exchange(h, method, p.get, p.post, kind, fromForm, "Accept-Language: "+l.Tag())
			body := w.Body.String()
			if !strings.Contains(body, `<html lang="`+l.Tag()+`" dir="`+l.Dir()+`"`) || w.Header().Get("Content-Language") != l.Tag() || !slices.Contains(w.Header().Values("Vary"), "Accept-Language") {
				t.Errorf("%s, %s: %v", p.name, l.Tag(), w.Header())
			}
			if found := key.FindString(body); found != "" {
				t.Errorf("%s, %s: %q in %s", p.name, l.Tag(), found, body)
			}
			if l.Gap() == "" && strings.Contains(body, "。 ") {
				t.Errorf("%s, %s: a blank behind a full stop that brings its own space: %s", p.name, l.Tag(), body)
			}
			_, english := p.show(t)
			if l.Tag() != "en" && heading.FindString(body) == heading.FindString(english) {
				t.Errorf("%s, %s: %s is English", p.name, l.Tag(), heading.FindString(body))
			}
		}
	}
}

// An explicit locale wins over the browser's, in a query and in a field, and stays over the
// redirect. An unknown one falls back.
func TestLocaleField(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{})
	lang := func(w interface{ Header() http.Header }) string { return w.Header().Get("Content-Language") }
	for query, want := range map[string]string{"": "en", "?locale=de": "de", "?locale=ca": "en", "?locale=%00": "en", "?locale=de&locale=fr": "de"} {
		if got := lang(exchange(h, "GET", forgotPath+query, "", forPage)); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if got := lang(exchange(h, "GET", forgotPath+"?locale=en", "", forPage, "Accept-Language: de")); got != "en" {
		t.Errorf("locale beside Accept-Language: %s", got)
	}
	if got := lang(exchange(h, "GET", forgotPath+"?locale=ca", "", forPage, "Accept-Language: de")); got != "de" {
		t.Errorf("unknown locale: %s", got)
	}
	page := exchange(h, "GET", forgotPath+"?locale=de-AT", "", forPage).Body.String()
	if !strings.Contains(page, `name="locale" value="de"`) {
		t.Error("the form forgets the locale")
	}
	for locale, want := range map[string]string{"de": sentPath + "?locale=de", "ca": sentPath + "?locale=en", "": sentPath} {
		w := exchange(h, "POST", forgotForm, "email=a@example.com&locale="+url.QueryEscape(locale), asForm, fromForm)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("%q: %d %s, want %s", locale, w.Code, w.Header().Get("Location"), want)
		}
	}
}

// localeResets remembers the language of a request.
type localeResets struct {
	fakeResets

	locale string
}

func (r *localeResets) Request(ctx context.Context, email string) error {
	r.locale = starter.Locale(ctx)
	return r.fakeResets.Request(ctx, email)
}

// The starter learns the language of the request, whether or not the address has an account: it
// is the same context for all.
func TestStarterLearnsLocale(t *testing.T) {
	t.Parallel()
	for request, want := range map[[2]string]string{
		{`{"email":"a@example.com"}`, "Accept-Language: de-DE"}:            "de",
		{`{"email":"a@example.com","locale":"de"}`, "Accept-Language: en"}: "de",
		{`{"email":"a@example.com","locale":"??"}`, "Accept-Language: de"}: "de",
		{`{"email":"a@example.com"}`, "Accept: */*"}:                       "en",
	} {
		resets := &localeResets{}
		w := exchange(newTestHandler(t, resets), "POST", forgotForm, request[0], asJSON, request[1])
		if w.Code != http.StatusOK || resets.locale != want {
			t.Errorf("%v: %d, %q, want %q", request, w.Code, resets.locale, want)
		}
	}
}

// In JSON the code and the error are the same in all languages; the message follows the client.
func TestMessageFollowsLanguage(t *testing.T) {
	t.Parallel()
	refusal := &password.Refusal{Code: password.TooShort, Reason: "The password is too short.", Suggestions: []string{"Use at least 15 characters.", "Sing."}}
	for err, want := range map[error][2]string{
		account.ErrAddress: {"This is not an email address.", "Das ist keine E-Mail-Adresse."},
		refusal:            {"The password is too short.", "Das Passwort ist zu kurz."},
	} {
		w := exchange(newTestHandler(t, &fakeResets{err: err}), "POST", "/account/reset_password/T", `{"password":"a"}`, asJSON, "Accept-Language: de")
		var got failure
		if json.Unmarshal(w.Body.Bytes(), &got) != nil || got.Error != want[0] || got.Message != want[1] || w.Header().Get("Content-Language") != "de" {
			t.Errorf("%v: %s", err, w.Body)
		}
		if got.Code == string(password.TooShort) && !slices.Equal(got.Suggestions, []string{"Verwenden Sie mindestens 15 Zeichen.", "Sing."}) {
			t.Errorf("suggestions %q", got.Suggestions)
		}
	}
	if refusal.Suggestions[0] != "Use at least 15 characters." {
		t.Error("the suggestions of the error were changed")
	}
}

// Each sentence of a problem is in the catalogue, so that no answer stays English.
func TestProblemsAreInTheCatalogue(t *testing.T) {
	t.Parallel()
	de := messages.BuiltIn().Match("de")
	for _, p := range slices.Concat(problems, invitationWords, renewalWords, []problem{internal}) {
		for _, text := range []string{p.Text, p.Hint} {
			if text != "" && de.Translate(text) == text {
				t.Errorf("%s: %q is only in English", p.Code, text)
			}
		}
	}
}

// The sentences of package password are in the catalogue.
func TestRefusalsAreInTheCatalogue(t *testing.T) {
	t.Parallel()
	de, policy := messages.BuiltIn().Match("de"), password.DefaultPolicy()
	policy.MinLength = password.MinLengthWithMFA
	for _, typed := range []string{"short", strings.Repeat("x", 2000), "a\u200bcdefghijklmnopq", "123456789"} {
		refusal, ok := errors.AsType[*password.Refusal](policy.Check(typed))
		if !ok {
			t.Errorf("%.20q is taken", typed)
			continue
		}
		for _, text := range append(refusal.Suggestions, refusal.Reason) {
			if de.Translate(text) == text {
				t.Errorf("%q is only in English", text)
			}
		}
	}
}

// Any header is answered, and in one of the languages.
func FuzzAcceptLanguage(f *testing.F) {
	for _, s := range []string{"", "de", "de-AT,de;q=0.9,en;q=0.1", "*", strings.Repeat("a,", 5000), "ar", "\xff", "x-x;q=2"} {
		f.Add(s)
	}
	h := newTestHandler(f, &fakeResets{})
	f.Fuzz(func(t *testing.T, header string) {
		if strings.ContainsAny(header, "\r\n\x00:") {
			return
		}
		w := exchange(h, "POST", forgotForm, `{"email":"a@example.com"}`, asJSON, "Accept-Language: "+header)
		if w.Code != http.StatusOK || w.Header().Get("Content-Language") == "" {
			t.Errorf("%q: %d %q", header, w.Code, w.Body)
		}
	})
}
