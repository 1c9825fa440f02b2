package codecserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/codecserver"
)

// A page of the UI may read the answer, also one that refuses; no other may.
func TestOrigins(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for origin, allowed := range map[string]bool{
		ui:                                     true,
		"null":                                 false,
		"":                                     false,
		"https://evil.example.com":             false,
		"http://temporal.example.com":          false,
		ui + ":8443":                           false,
		ui + ".evil.example.com":               false,
		"https://TEMPORAL.example.com":         false,
		"https://eviltemporal.example.com":     false,
		"https://temporal.example.com, https:": false,
	} {
		for _, credential := range []string{secret, "wrong"} {
			a := s.ask(t, request(s.sealed(t, "x"), func(r *http.Request) {
				r.Header.Set("Origin", origin)
				r.Header.Set("Authorization", "Bearer "+credential)
			}))
			want := map[bool]int{true: 200, false: 401}[credential == secret]
			if !allowed {
				want = 403
			}
			got := a.header.Get("Access-Control-Allow-Origin")
			if a.status != want || allowed != (got == ui) || !allowed && got != "" {
				t.Errorf("%q: %d, allowed %q", origin, a.status, got)
			}
			if a.header.Get("Vary") != "Origin" {
				t.Errorf("%q: Vary %q", origin, a.header.Get("Vary"))
			}
		}
	}
}

func TestTwoOrigins(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	a := s.ask(t, request(s.sealed(t, "x"), func(r *http.Request) { r.Header.Add("Origin", "https://evil.example.com") }))
	if a.status != 403 {
		t.Errorf("status %d", a.status)
	}
}

// The command line is no page.
func TestWithoutOrigin(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	a := s.ask(t, request(s.sealed(t, "x"), func(r *http.Request) { r.Header.Del("Origin") }))
	if got := a.header.Get("Access-Control-Allow-Origin"); a.status != 200 || got != "" {
		t.Errorf("status %d, allowed %q", a.status, got)
	}
}

func preflight(change func(*http.Request)) *http.Request {
	return request("", func(r *http.Request) {
		r.Method = http.MethodOptions
		r.Header.Del("Authorization")
		r.Header.Del("Content-Type")
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type,x-namespace")
		if change != nil {
			change(r)
		}
	})
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	a := s.ask(t, preflight(nil))
	if a.status != 204 || a.body != "" || a.header.Get("Access-Control-Allow-Origin") != ui ||
		a.header.Get("Access-Control-Allow-Methods") != "POST" || a.header.Get("Vary") != "Origin" {
		t.Errorf("%d %v", a.status, a.header)
	}
	for _, name := range []string{"content-type", "x-namespace", "authorization", "authorization-extras"} {
		if !strings.Contains(strings.ToLower(a.header.Get("Access-Control-Allow-Headers")), name) {
			t.Errorf("%s is not allowed: %v", name, a.header)
		}
	}
	if _, ok := a.header["Access-Control-Allow-Credentials"]; ok {
		t.Error("cookies are allowed")
	}
}

func TestPreflightRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t, nil)
	for name, change := range map[string]func(*http.Request){
		"foreign":   func(r *http.Request) { r.Header.Set("Origin", "https://evil.example.com") },
		"no origin": func(r *http.Request) { r.Header.Del("Origin") },
		"elsewhere": func(r *http.Request) { r.URL.Path = "/download" },
	} {
		a := s.ask(t, preflight(change))
		if a.status < 400 || a.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
}

// Cookies are for a proxy, and are allowed only where there is one.
func TestCookies(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *codecserver.Config) { c.Cookies = true })
	for _, r := range []*http.Request{preflight(nil), request(s.sealed(t, "x"), nil)} {
		if got := s.ask(t, r).header.Get("Access-Control-Allow-Credentials"); got != "true" {
			t.Errorf("%s: %q", r.Method, got)
		}
	}
}
