package web

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/brand"
)

func branded(t *testing.T) *brand.Brand {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"brand.json": `{"accent": "#7a1f5c", "logo": "logo.svg", "fonts": [{"family": "Inter", "file": "inter.woff2"}],
			"footer": [{"text": {"": "Imprint", "de": "Impressum"}, "url": "https://example.com/imprint"}],
			"product": {"": "Harbor", "de": "Hafen"}, "support": {"": "help@example.com", "de": "hilfe@example.com"}}`,
		"logo.svg": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "inter.woff2": "wOF2\x00\x01\x00\x00",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := brand.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Pages have logo, colours, links and names of the brand, in the language of the reader. All of its
// files come from the same host, as the policy of contents wants it.
func TestBrand(t *testing.T) {
	t.Parallel()
	b := branded(t)
	h := newTestHandler(t, &fakeResets{}, func(c *Config) { c.Brand = b })
	get := func(path, language string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for language, want := range map[string][]string{
		"en": {"<span>Harbor</span>", `<a href="https://example.com/imprint">Imprint</a>`, "mailto:help@example.com"},
		"de": {"<span>Hafen</span>", `<a href="https://example.com/imprint">Impressum</a>`, "mailto:hilfe@example.com"},
	} {
		page := get("/account/forgot-password", language).Body.String()
		for _, text := range append(want, `<img class="logo" src="/account/static/logo.svg" alt="">`) {
			if !strings.Contains(page, text) {
				t.Errorf("%s: no %s in\n%s", language, text, page)
			}
		}
	}
	if css := get("/account/static/rekey.css", "").Body.String(); !strings.Contains(css, "--accent: #7a1f5c") || !strings.Contains(css, `url("inter.woff2")`) {
		t.Error("the style sheet has no rules of the brand")
	}
	for name, media := range map[string]string{"logo.svg": "image/svg+xml", "inter.woff2": "font/woff2"} {
		if w := get("/account/static/"+name, ""); w.Code != 200 || w.Header().Get("Content-Type") != media || w.Header().Get("Content-Security-Policy") != contentPolicy {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	if strings.Contains(newPage(t), "logo") {
		t.Error("a page without a brand has a logo")
	}
}

func newPage(t *testing.T) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/account/forgot-password", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	newTestHandler(t, &fakeResets{}).ServeHTTP(w, r)
	return w.Body.String()
}

// A folder replaces templates by file name. One that replaces none, or that cannot be written with
// each of its parts, is found at the start.
func TestPagesAreReplaced(t *testing.T) {
	t.Parallel()
	with := func(name, text string) error {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := testConfig()
		cfg.Pages = dir
		h, err := NewHandler(&fakeResets{}, cfg)
		if err != nil {
			return err
		}
		r := httptest.NewRequest(http.MethodGet, "/account/link-sent", nil)
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if name == "sent.html" && !strings.Contains(w.Body.String(), "<h1>Look into your mail</h1>") {
			t.Errorf("the page is not replaced: %s", w.Body)
		}
		return nil
	}
	const sent = `{{define "title"}}Sent{{end}}{{define "main"}}<h1>Look into your mail</h1>{{end}}`
	for name, tc := range map[string]struct{ text, want string }{
		"sent.html":        {sent, ""},
		".hidden":          {"{{", ""},
		"sent.htm":         {sent, "sent.htm replaces no template"},
		"flows/other.html": {sent, "flows/other.html replaces no template"},
		"lost.html":        {`{{define "title"}}{{.Nothing}}{{end}}{{define "main"}}{{end}}`, "Nothing"},
		"changed.html":     {`{{define "title"}}Done{{end}}{{define "main"}}{{if .Address}}{{.Tokens}}{{end}}{{end}}`, "Tokens"},
		"flows/reset.html": {`{{define "why"}}`, "flows/reset.html"},
	} {
		err := with(name, tc.text)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}
