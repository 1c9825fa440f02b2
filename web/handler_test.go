package web

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/starter"
)

// post is a route with its fields, the call that it leads to, and the page after its form.
type post struct {
	path   string
	fields []string
	call   string
	done   string
}

func posts() []post {
	return []post{
		{"/account/forgot_password", []string{"email", "a@example.com"}, "request a@example.com", "/account/link-sent"},
		{"/account/reset_password", []string{"token", "T", "password", "new one"}, "submit T new one", "/account/password-changed"},
		{"/account/reset_password/T", []string{"password", "new one"}, "submit T new one", "/account/password-changed"},
		{"/account/cancel_reset", []string{"token", "T"}, "cancel T", "/account/reset-canceled"},
		{"/account/cancel_reset/T", nil, "cancel T", "/account/reset-canceled"},
		{"/account/accept_invitation", []string{"token", "T", "password", "new one"}, "submit T new one", "/account/invitation-accepted"},
		{"/account/accept_invitation/T", []string{"password", "new one"}, "submit T new one", "/account/invitation-accepted"},
		{"/account/decline_invitation", []string{"token", "T"}, "cancel T", "/account/invitation-declined"},
		{"/account/decline_invitation/T", nil, "cancel T", "/account/invitation-declined"},
		{"/account/renew_password", []string{"token", "T", "password", "new one"}, "submit T new one", "/account/password-renewed"},
		{"/account/renew_password/T", []string{"password", "new one"}, "submit T new one", "/account/password-renewed"},
	}
}

func TestPosts(t *testing.T) {
	t.Parallel()
	for _, p := range posts() {
		t.Run(p.path, func(t *testing.T) {
			t.Parallel()
			resets := &fakeResets{}
			h := newTestHandler(t, resets)

			w := exchange(h, "POST", p.path, jsonBody(p.fields...), asJSON)
			if got, want := w.Body.String(), "{\"status\":\"okay\"}\n"; w.Code != 200 || got != want {
				t.Errorf("JSON: %d %q", w.Code, got)
			}
			w = exchange(h, "POST", p.path, formBody(p.fields...), asForm)
			if to := w.Header().Get("Location"); w.Code != 303 || to != p.done || w.Body.Len() > 0 {
				t.Errorf("form: %d to %q, %q", w.Code, to, w.Body)
			}
			if diff := cmp.Diff([]string{p.call, p.call}, resets.calls); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"192.0.2.1", "192.0.2.1"}, resets.from); diff != "" {
				t.Errorf("client address for the audit log: %s", diff)
			}
		})
	}
}

func TestPostsPending(t *testing.T) {
	t.Parallel()
	for _, p := range posts()[1:] {
		h := newTestHandler(t, &fakeResets{err: starter.ErrPending})
		w := exchange(h, "POST", p.path, jsonBody(p.fields...), asJSON)
		if got, want := w.Body.String(), "{\"status\":\"pending\"}\n"; w.Code != 202 || got != want {
			t.Errorf("%s: %d %q", p.path, w.Code, got)
		}
		w = exchange(h, "POST", p.path, formBody(p.fields...), asForm)
		want := map[string]string{
			"/account/password-changed": "/account/password-pending/TICKET", "/account/reset-canceled": "/account/cancel-pending",
			"/account/invitation-accepted": "/account/invitation-pending/TICKET", "/account/invitation-declined": "/account/decline-pending",
			"/account/password-renewed": "/account/renew-pending/TICKET",
		}[p.done]
		if to := w.Header().Get("Location"); w.Code != 303 || to != want {
			t.Errorf("%s: %d to %q, want %q", p.path, w.Code, to, want)
		}
	}
}

func TestCancelNeedsNoBody(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{}
	w := exchange(newTestHandler(t, resets), "POST", "/account/cancel_reset/T", "")
	if w.Code != 200 || cmp.Diff([]string{"cancel T"}, resets.calls) != "" {
		t.Errorf("%d %q", w.Code, resets.calls)
	}
}

// A form has the password twice; a difference must not reach the reset.
func TestConfirm(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{link: starter.Link{State: starter.LinkOpen}}
	h := newTestHandler(t, resets)
	w := exchange(h, "POST", "/account/reset_password", jsonBody("token", "T", "password", "a", "confirm", "b"), asJSON)
	if w.Code != 400 || codeOf(t, w) != "password_mismatch" || len(resets.calls) != 0 {
		t.Errorf("%d %q %q", w.Code, w.Body, resets.calls)
	}
	w = exchange(h, "POST", "/account/reset_password", jsonBody("token", "T", "password", "a", "confirm", "a"), asJSON)
	if w.Code != 200 {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestDisabled(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{}
	h := newTestHandler(t, resets, func(c *Config) { c.Enabled = false })
	for _, p := range posts()[:3] {
		w := exchange(h, "POST", p.path, jsonBody(p.fields...), asJSON)
		if w.Code != 400 || codeOf(t, w) != "password_reset_unavailable" {
			t.Errorf("%s: %d %q", p.path, w.Code, w.Body)
		}
	}
	if len(resets.calls) != 0 {
		t.Errorf("called %q", resets.calls)
	}
	if w := exchange(h, "GET", "/account/forgot-password", "", forPage); w.Code != 400 || !strings.Contains(w.Body.String(), "switched off") {
		t.Errorf("page: %d %q", w.Code, w.Body)
	}
	if w := exchange(h, "GET", "/api/v1/settings", ""); w.Body.String() != "{\"user:reset-password\":false}\n" {
		t.Errorf("settings: %q", w.Body)
	}
	for _, p := range posts()[3:] { // a reset can always be canceled, and the flag is that of resets
		if w := exchange(h, "POST", p.path, jsonBody(p.fields...), asJSON); w.Code != 200 {
			t.Errorf("%s: %d", p.path, w.Code)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	w := exchange(newTestHandler(t, &fakeResets{}), "GET", "/api/v1/settings", "")
	if got, want := w.Body.String(), "{\"user:reset-password\":true}\n"; w.Code != 200 || got != want {
		t.Errorf("%d %q", w.Code, got)
	}
}

func TestLinkState(t *testing.T) {
	t.Parallel()
	for _, state := range []starter.LinkState{starter.LinkOpen, starter.LinkPending, starter.LinkChanged} {
		resets := &fakeResets{link: starter.Link{State: state, Address: "a@example.com"}}
		for _, path := range []string{"/account/reset_password/T", "/account/accept_invitation/T", "/account/renew_password/T"} {
			w := exchange(newTestHandler(t, resets), "GET", path, "")
			want := `{"status":"okay","state":"` + string(state) + `","email":"a@example.com"}` + "\n"
			if w.Code != 200 || w.Body.String() != want {
				t.Errorf("%s, %s: %d %q", path, state, w.Code, w.Body)
			}
		}
	}
}

func TestWrongMethod(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{}
	h := newTestHandler(t, resets)
	for path, allow := range map[string]string{
		"/account/forgot_password":  "POST",
		"/account/reset_password":   "POST",
		"/account/reset_password/T": "GET, HEAD, POST",
		"/account/cancel_reset/T":   "POST",

		"/account/accept_invitation":   "POST",
		"/account/accept_invitation/T": "GET, HEAD, POST",
		"/account/decline_invitation":  "POST",
		"/account/renew_password/T":    "GET, HEAD, POST",

		"/account/forgot-password": "GET, HEAD",
		"/api/v1/settings":         "GET, HEAD",
	} {
		w := exchange(h, "DELETE", path, "")
		if w.Code != 405 || w.Header().Get("Allow") != allow || codeOf(t, w) != "method_not_allowed" {
			t.Errorf("%s: %d, Allow %q", path, w.Code, w.Header().Get("Allow"))
		}
	}
	if len(resets.calls) != 0 {
		t.Errorf("called %q", resets.calls)
	}
}

// The field accepts the addresses of ParseAddress, but a field of the type email refuses letters
// beyond ASCII. Such a field drops blanks, so they are dropped here, and only from a page.
func TestAddressOfAForm(t *testing.T) {
	t.Parallel()
	for email, want := range map[string]string{" Ann.@example.com\r\n": "Ann.@example.com", "j\u00fcrgen@example.com": "j\u00fcrgen@example.com", "a b@example.com": "a b@example.com"} {
		resets := &fakeResets{}
		body := url.Values{"email": {email}}.Encode()
		exchange(newTestHandler(t, resets), "POST", "/account/forgot_password", body, "Content-Type: "+typeForm, forPage)
		if !slices.Equal(resets.calls, []string{"request " + want}) {
			t.Errorf("%q: %q", email, resets.calls)
		}
	}
	resets := &fakeResets{}
	exchange(newTestHandler(t, resets), "POST", "/account/forgot_password", `{"email":" ann@example.com"}`, "Content-Type: "+typeJSON)
	if !slices.Equal(resets.calls, []string{"request  ann@example.com"}) {
		t.Errorf("a program: %q", resets.calls)
	}
	page := exchange(newTestHandler(t, resets), "GET", "/account/forgot-password", "", forPage).Body.String()
	if strings.Contains(page, `type="email"`) || !strings.Contains(page, `inputmode="email"`) {
		t.Error("the field is stricter than the server, or phones show no keys for an address")
	}
}

// A link is the same with a slash behind it. Other characters count as part of the token, and
// link.Open leaves them out.
func TestLinkWithATail(t *testing.T) {
	t.Parallel()
	for tail, want := range map[string]string{"/": "inspect T", "%3E": "inspect T>", ".": "inspect T.", ")": "inspect T)", "%20": "inspect T "} {
		for _, path := range []string{"/account/change-password/T", "/account/reset_password/T"} {
			resets := &fakeResets{link: starter.Link{State: starter.LinkOpen}}
			w := exchange(newTestHandler(t, resets), "GET", path+tail, "", forPage)
			if w.Code != 200 || !slices.Equal(resets.calls, []string{want}) {
				t.Errorf("%s%s: %d, %q", path, tail, w.Code, resets.calls)
			}
		}
	}
	w := exchange(newTestHandler(t, &fakeResets{}), "GET", "/account/cancel-reset/T/", "", forPage)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `value="T"`) {
		t.Errorf("the page that cancels: %d", w.Code)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{})
	for _, path := range []string{"/", "/account", "/account/reset_password/a/b", "/account/static/other.js"} {
		if w := exchange(h, "GET", path, ""); w.Code != 404 || codeOf(t, w) != "not_found" {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
		if w := exchange(h, "GET", path, "", forPage); w.Code != 404 || !strings.Contains(w.Body.String(), "<h1>") {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

// security 7: a mail scanner that follows a link changes nothing.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD"} {
		resets := &fakeResets{link: starter.Link{State: starter.LinkOpen}}
		h := newTestHandler(t, resets)
		for _, p := range []string{"/account/change-password/T", "/account/cancel-reset/T", "/account/reset_password/T", "/account/accept-invitation/T", "/account/decline-invitation/T", "/account/renew-password/T"} {
			if w := exchange(h, method, p, "", forPage); w.Code != 200 {
				t.Errorf("%s %s: %d", method, p, w.Code)
			}
		}
		if diff := cmp.Diff([]string{"inspect T", "inspect T", "inspect T", "inspect T"}, resets.calls); diff != "" {
			t.Errorf("%s: %s", method, diff)
		}
	}
}

// security 16: RFC 8615 and the W3C draft want a redirect, here a temporary one.
func TestWellKnown(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{base: "https://example.com/id/"})
	w := exchange(h, "GET", "/.well-known/change-password", "", "Host: evil.example", "X-Forwarded-Host: evil.example")
	if w.Code != 302 || w.Header().Get("Location") != "/id/account/forgot-password" {
		t.Errorf("%d %q", w.Code, w.Header().Get("Location"))
	}
}

// The redirect for password managers leads to the page of the host application, if it has one.
func TestWellKnownOfTheHost(t *testing.T) {
	t.Parallel()
	const own = "https://app.example.com/account/password"
	h := newTestHandler(t, &fakeResets{}, func(c *Config) { c.ChangePasswordURL = own })
	w := exchange(h, "GET", "/.well-known/change-password", "")
	if w.Code != 302 || w.Header().Get("Location") != own {
		t.Errorf("%d %q", w.Code, w.Header().Get("Location"))
	}
}

// Every client is redirected to the page: with https except on this machine, and never in a
// circle.
func TestChangePasswordURL(t *testing.T) {
	t.Parallel()
	const base = "https://Accounts.example.com/id"
	for change, good := range map[string]bool{
		"https://app.example.com/account/password":                         true,
		"https://accounts.example.com/account/password":                    true,
		"https://app.example.com/.well-known/change-password":              true,
		"http://127.0.0.1:8080/password":                                   true,
		"http://app.example.com/password":                                  false,
		"/account/password":                                                false,
		"//evil.example":                                                   false,
		"javascript:alert(1)":                                              false,
		"https://user:secret@app.example.com/password":                     false,
		"https://user@app.example.com/password":                            false,
		"http://user:secret@127.0.0.1/password":                            false,
		"https://accounts.example.com/.well-known/change-password":         false,
		"https://ACCOUNTS.example.com:443/id/.well-known/change-password/": false,
		"https://accounts.example.com/x/..//.well-known/change%2Dpassword": false,
	} {
		err := CheckChangePasswordURL(change, link.MustParseBaseURL(base))
		if (err == nil) != good || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", change, err)
		}
		_, err = NewHandler(&fakeResets{base: base}, Config{ChangePasswordURL: change})
		if told := err != nil && strings.Contains(err.Error(), "change password URL"); told == good {
			t.Errorf("%s in a handler: %v", change, err)
		}
	}
}

// Users sign in at a URL or at a path of the starter's own host, and nowhere else.
func TestLoginURL(t *testing.T) {
	t.Parallel()
	for login, good := range map[string]bool{
		"https://app.example.com/login": true, "http://app.example.com": true, "/login": true, "": true,
		"javascript:alert(1)": false, "data:text/html,x": false, "https:///login": false, "https://:443/login": false, "https://a b": false, "//evil.example/login": false,
	} {
		if err := CheckLoginURL(login); (err == nil) != good {
			t.Errorf("%q: %v", login, err)
		}
	}
}

// unset is a client without a configuration.
type unset struct{ starter.Resets }

func (unset) Settings() starter.Settings { return starter.Settings{} }

func TestConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := NewHandler(unset{}, Config{LoginURL: "javascript:alert(1)", ChangePasswordURL: "//evil.example", ClientLimit: -1})
	for _, want := range []string{"base URL", "login URL", "change password URL", "product", "support", "client limit"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
