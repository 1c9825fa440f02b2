package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/starter"
)

// security 12: the headers of every answer.
func TestHeaders(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{link: starter.Link{State: starter.LinkOpen}})
	for _, path := range []string{
		"/account/change-password/T", "/account/change-password", "/account/cancel-reset/T",
		"/account/accept-invitation/T", "/account/decline-invitation/T", "/account/invitation-pending/T", "/account/renew-password/T", "/account/renew-pending/T",
		"/account/reset_password/T", "/account/password-changed", "/account/password-pending/T", "/account/forgot-password", "/account/static/rekey.js", "/nothing", "/api/v1/settings",
	} {
		got := exchange(h, "GET", path, "", forPage).Header()
		want := map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
				"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
			"Referrer-Policy":              "no-referrer",
			"Cache-Control":                "no-store",
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"X-Robots-Tag":                 "noindex, nofollow",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Strict-Transport-Security":    "max-age=31536000",
		}
		switch path {
		case "/account/forgot-password":
			want["Referrer-Policy"] = "strict-origin"
		case "/account/static/rekey.js":
			want["Cache-Control"] = "no-cache"
		}
		for name, value := range want {
			if got.Get(name) != value {
				t.Errorf("%s: %s: %q, want %q", path, name, got.Get(name), value)
			}
		}
	}
}

// Every answer has the header behind https, also errors and answers of the API. Over http it means
// nothing (RFC 6797 section 7.2), and a host application may have a header of its own.
func TestStrictTransport(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		base string
		off  bool
		want string
	}{
		"https":        {"https://example.com", false, "max-age=31536000"},
		"switched off": {"https://example.com", true, ""},
		"http":         {"http://localhost:8080", false, ""},
	} {
		h := newTestHandler(t, &fakeResets{err: starter.ErrUnavailable, inspect: starter.ErrLinkExpired, base: tc.base}, func(c *Config) { c.NoHSTS = tc.off })
		for _, target := range []string{
			"GET /account/forgot-password", "GET /account/change-password/T", "GET /nothing", "GET //nothing", "DELETE /account/cancel_reset",
			"POST /account/forgot_password", "POST /account/cancel_reset/T", "GET /account/static/rekey.js", "GET /.well-known/change-password",
		} {
			method, path, _ := strings.Cut(target, " ")
			r := httptest.NewRequest(method, "/", nil)
			r.URL.Path = path
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if got := w.Header().Get("Strict-Transport-Security"); got != tc.want {
				t.Errorf("%s: %s: %q", name, target, got)
			}
		}
	}
}

// The form is shown again after a mistake and needs a true Origin.
func TestForgotAnswerSendsOrigin(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{err: starter.ErrUnavailable})
	w := exchange(h, "POST", "/account/forgot_password", "email=a@example.com", asForm)
	if got := w.Header().Get("Referrer-Policy"); got != "strict-origin" {
		t.Error(got)
	}
}

// security 40: another site cannot make a browser request mails. The form of rekey works, also
// from a browser that knows Origin only, and behind a proxy that rewrites Host.
func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		headers []string
		status  int
	}{
		"another site":              {[]string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
		"a sister host":             {[]string{"Sec-Fetch-Site: same-site", "Origin: https://blog.example.com"}, 403},
		"another site, old browser": {[]string{"Origin: https://evil.example"}, 403},
		"an opaque origin":          {[]string{"Origin: null"}, 403},
		"our form":                  {[]string{fromForm}, 303},
		"our form, old browser":     {[]string{"Origin: https://id.example.com"}, 303},
		"a backend":                 {nil, 303},
	} {
		resets := &fakeResets{}
		w := exchange(newTestHandler(t, resets), "POST", "/account/forgot_password", "email=a@example.com", append(tc.headers, asForm)...)
		if w.Code != tc.status || (len(resets.calls) == 1) != (tc.status == 303) {
			t.Errorf("%s: %d %q", name, w.Code, resets.calls)
		}
	}
}

// A page without referrer posts "Origin: null" in a browser without Sec-Fetch-Site. The token
// tells rekey's form from a foreign one.
func TestTokenFormsNeedNoOrigin(t *testing.T) {
	t.Parallel()
	for _, p := range posts()[1:] {
		resets := &fakeResets{}
		w := exchange(newTestHandler(t, resets), "POST", p.path, formBody(p.fields...), asForm, "Origin: null")
		if diff := cmp.Diff([]string{p.call}, resets.calls); w.Code != 303 || diff != "" {
			t.Errorf("%s: %d %s", p.path, w.Code, diff)
		}
	}
}

// security 1: the answer names no address, so all answers are the same bytes.
func TestForgotAnswersAlike(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{})
	for _, encoding := range []string{asJSON, asForm} {
		write := jsonBody
		if encoding == asForm {
			write = formBody
		}
		one := exchange(h, "POST", "/account/forgot_password", write("email", "known@example.com"), encoding)
		two := exchange(h, "POST", "/account/forgot_password", write("email", "nobody.at.all@example.org"), encoding)
		if one.Code != two.Code || one.Body.String() != two.Body.String() || cmp.Diff(one.Header(), two.Header()) != "" {
			t.Errorf("%d %d %s %s", one.Code, two.Code, cmp.Diff(one.Header(), two.Header()), cmp.Diff(one.Body.String(), two.Body.String()))
		}
	}
}

// security 9: the host that a client claims is in no answer.
func TestHostileHost(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{link: starter.Link{State: starter.LinkOpen}})
	for _, r := range allRoutes() {
		path := strings.NewReplacer("{token}", "T", "{ticket}", "T", "{file}", "rekey.css").Replace(r.path)
		w := exchange(h, r.method, "https://evil.example"+path, "", "X-Forwarded-Host: evil.example", forPage)
		var all bytes.Buffer
		_ = w.Header().Write(&all)
		if strings.Contains(all.String()+w.Body.String(), "evil.example") {
			t.Errorf("%s: %s%s", path, all.String(), w.Body)
		}
	}
}

// security 11: no path, query, body or cookie of a request is logged.
func TestLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	resets := &fakeResets{err: starter.ErrLinkInvalid, inspect: starter.ErrUnavailable}
	h := newTestHandler(t, resets, func(c *Config) { c.Log = zerolog.New(&log) })
	for _, r := range allRoutes() {
		path := strings.NewReplacer("{token}", "SECRET", "{ticket}", "SECRET", "{file}", "SECRET").Replace(r.path)
		for _, method := range []string{r.method, "DELETE"} {
			log.Reset()
			exchange(h, method, path+"?password=SECRET", `{"token":"SECRET","password":"SECRET"}`, asJSON,
				"Referer: https://id.example.com/SECRET", "Cookie: sid=SECRET", "User-Agent: SECRET")
			if got := log.String(); strings.Contains(got, "SECRET") || strings.Count(got, "\n") != 1 || !strings.Contains(got, r.path) {
				t.Errorf("%s %s: %s", method, r.path, got)
			}
		}
	}
	log.Reset()
	if exchange(h, "GET", "/account/SECRET/SECRET", ""); strings.Contains(log.String(), "SECRET") {
		t.Errorf("unknown path: %s", log.String())
	}
}

func TestLogLine(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := newTestHandler(t, &fakeResets{inspect: starter.ErrUnavailable}, func(c *Config) { c.Log = zerolog.New(&log) })
	exchange(h, "GET", "/account/reset_password/T", "")
	for _, want := range []string{
		`"level":"error"`, `"route":"GET /account/reset_password/{token}"`, `"status":503`, `"code":"unavailable"`,
		`"client":"192.0.2.1"`, `"error":"` + starter.ErrUnavailable.Error() + `"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in %s", want, log.String())
		}
	}
}

type panicking struct{ fakeResets }

func (*panicking) Inspect(context.Context, string) (starter.Link, error) { panic("SECRET") }

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := newTestHandler(t, &panicking{}, func(c *Config) { c.Log = zerolog.New(&log) })
	w := exchange(h, "GET", "/account/reset_password/T", "")
	if w.Code != 500 || codeOf(t, w) != "internal" || strings.Contains(w.Body.String()+log.String(), "SECRET") {
		t.Errorf("%d %q\n%s", w.Code, w.Body, log.String())
	}
}

type aborting struct{ fakeResets }

func (*aborting) Inspect(context.Context, string) (starter.Link, error) { panic(http.ErrAbortHandler) }

// net/http closes the connection on this panic; an answer would hide the abort. It is logged and
// traced like any other request.
func TestAbortIsPassedOn(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h, spans := tracing(t, &aborting{}, func(c *Config) { c.Log = zerolog.New(&log) })
	defer func() {
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"error":"`+http.ErrAbortHandler.Error()+`"`) {
			t.Errorf("log %q", got)
		}
		if n := len(spans.Ended()); n != 1 {
			t.Errorf("%d spans have ended", n)
		}
	}()
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	exchange(h, "GET", "/account/reset_password/T", "")
}
