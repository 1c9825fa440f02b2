package link_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/link"
)

func TestURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://example.com":              "https://example.com",
		"https://example.com/":             "https://example.com",
		"https://example.com/sso//":        "https://example.com/sso",
		"HTTPS://Example.COM/Sso":          "https://example.com/Sso",
		"http://localhost:8080":            "http://localhost:8080",
		"http://[::1]:8080":                "http://[::1]:8080",
		"https://example.com/with%20sp":    "https://example.com/with%20sp",
		"https://b\u00fccher.example/sso":  "https://xn--bcher-kva.example/sso",
		"https://B%C3%9CCHER.example:8443": "https://xn--bcher-kva.example:8443",
		"https://my_host.example.com":      "https://my_host.example.com",
	} {
		b := newBox(t, frozenKey(t), given, namespace)
		token := seal(t, b, link.Reset, claims())
		if got := b.URL(link.Reset, token); got != want+"/account/change-password/"+token.Text() {
			t.Errorf("%s: %s", given, got)
		}
		if got := b.URL(link.Cancel, token); got != want+"/account/cancel-reset/"+token.Text() {
			t.Errorf("%s: %s", given, got)
		}
		// Another process may be given the same URL in the other spelling.
		if _, _, err := newBox(t, frozenKey(t), want, namespace).Open(link.Reset, token.Text()); err != nil {
			t.Errorf("%s and %s are not the same: %v", given, want, err)
		}
	}
}

func TestBaseURLIsRefused(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"", "example.com", "//example.com", "/account", "ftp://example.com", "mailto:ada@example.com",
		"https://", "https:///path", "https://:443", "https:example.com",
		"https://ada:secret@example.com", "https://ada@example.com",
		"https://example.com?", "https://example.com/?a=b", "https://example.com#", "https://example.com/#top",
		"https://\u0301.example", "https://b\u00fccher\u202e.example", "https://example.com/\r\nBcc: eve", "https://ada:secret@example.com:port",
	} {
		b, err := link.ParseBaseURL(given)
		if err == nil || b != (link.BaseURL{}) {
			t.Errorf("%q is taken", given)
			continue
		}
		if strings.Contains(err.Error(), "secret") || errors.Unwrap(err) != nil {
			t.Errorf("%q: the error repeats it: %v", given, err)
		}
	}
}

// Links of no base URL would begin with their path.
func TestLinksNeedABaseURL(t *testing.T) {
	t.Parallel()
	if b, err := link.New(frozenKey(t), link.BaseURL{}, namespace); err == nil || b != nil {
		t.Errorf("links of no base URL: %v", err)
	}
}
