package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/starter"
)

// security 16: no path makes a redirect. A redirect would lack the path of the base URL, or lead
// to another host.
func TestPathsAreNotRedirected(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{link: starter.Link{State: starter.LinkOpen}, base: "https://example.com/id"}
	h := newTestHandler(t, resets)
	for _, path := range []string{
		"//account/change-password/T", "/account//change-password/T", "/account/./change-password/T", "/account/x/../change-password/T",
		"/account/change-password//T", "/account/change-password/T//", "/..//account/change-password/T",
		"//evil.example", "//evil.example/", "//evil.example/..", "///", "//", "/.", "/account/..",
		"//evil.example/%2e%2e", "/\\evil.example", "/%5cevil.example/..", "*",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "CONNECT", "OPTIONS"} {
			r := httptest.NewRequest(method, "/", strings.NewReader(""))
			r.URL.Path, r.Host = path, "example.com"
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusNotFound || w.Header().Get("Location") != "" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %d to %q", method, path, w.Code, w.Header().Get("Location"))
			}
		}
	}
	if len(resets.calls) != 0 {
		t.Errorf("called %q", resets.calls)
	}
}

// The same path in other letters is the same path.
func TestSpellingsOfPaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"/account/change-password/T", "/account/change-password/T/", "/account/change%2Dpassword/T", "/account/change%2dpassword/%54",
		"/%61ccount/change-password/%54/",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			resets := &fakeResets{link: starter.Link{State: starter.LinkOpen}}
			w := exchange(newTestHandler(t, resets), method, path, "", forPage)
			if diff := cmp.Diff([]string{"inspect T"}, resets.calls); w.Code != 200 || diff != "" {
				t.Errorf("%s %s: %d %s", method, path, w.Code, diff)
			}
		}
	}
	for path, want := range map[string]int{
		"/account/forgot-password/": 200, "/account/forgot_password/": 405, "/api/v1/settings/": 200, "/openapi.yaml/": 200,
		"/.well-known/change-password/": 302, "/account/static/rekey.js/": 200, "/account/": 404, "/": 404,
		"/account/reset_password/a%2Fb": 200, "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200": 404,
	} {
		if w := exchange(newTestHandler(t, &fakeResets{}), "GET", path, ""); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

// A body of no bytes needs no type, however it is framed; one with bytes does.
func TestChunkedBodyOfNothing(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{"": 200, "x": 415} {
		resets := &fakeResets{}
		r := httptest.NewRequest(http.MethodPost, "/account/cancel_reset/T", strings.NewReader(body))
		r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		w := httptest.NewRecorder()
		newTestHandler(t, resets).ServeHTTP(w, r)
		if w.Code != want || (len(resets.calls) == 1) != (want == 200) {
			t.Errorf("%q: %d %q", body, w.Code, resets.calls)
		}
	}
}
