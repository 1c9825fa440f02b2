package web

import (
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/starter"
)

// Each flow has a client of its own, so no link of one is taken for a link of another.
func TestFlowsHaveTheirOwnClients(t *testing.T) {
	t.Parallel()
	for target, of := range map[string]string{
		"POST /account/reset_password/T": "reset", "GET /account/reset_password/T": "reset", "GET /account/change-password/T": "reset",
		"GET /account/password-pending/T": "reset", "POST /account/cancel_reset/T": "reset",
		"POST /account/accept_invitation/T": "invitation", "GET /account/accept_invitation/T": "invitation", "GET /account/accept-invitation/T": "invitation",
		"GET /account/invitation-pending/T": "invitation", "POST /account/decline_invitation/T": "invitation",
		"POST /account/renew_password/T": "renewal", "GET /account/renew_password/T": "renewal", "GET /account/renew-password/T": "renewal",
		"GET /account/renew-pending/T": "renewal",
	} {
		clients := map[string]*fakeResets{}
		for _, name := range []string{"reset", "invitation", "renewal"} {
			clients[name] = &fakeResets{link: starter.Link{State: starter.LinkOpen}}
		}
		h := newTestHandler(t, clients["reset"], func(c *Config) { c.Invitations, c.Renewals = clients["invitation"], clients["renewal"] })
		method, path, _ := strings.Cut(target, " ")
		exchange(h, method, path, "", forPage, fromForm)
		for name, client := range clients {
			if called := len(client.calls); called > 1 || called == 1 != (name == of) {
				t.Errorf("%s: %s has the calls %q", target, name, client.calls)
			}
		}
	}
}

// A flow without a client has no routes.
func TestNoClientNoRoutes(t *testing.T) {
	t.Parallel()
	resets := &fakeResets{link: starter.Link{State: starter.LinkOpen}}
	h := newTestHandler(t, resets, func(c *Config) { c.Invitations, c.Renewals = nil, nil })
	seen := 0
	for _, r := range allRoutes() {
		if !regexp.MustCompile("invitation|decline|renew").MatchString(r.path) {
			continue
		}
		seen++
		path := strings.NewReplacer("{token}", "T", "{ticket}", "T").Replace(r.path)
		if w := exchange(h, r.method, path, jsonBody("password", "p"), asJSON); w.Code != 404 || codeOf(t, w) != "not_found" {
			t.Errorf("%s %s: %d %s", r.method, path, w.Code, w.Body)
		}
	}
	if seen != 20 || len(resets.calls) != 0 {
		t.Errorf("%d routes, calls %q", seen, resets.calls)
	}
}

var tags = regexp.MustCompile(`(?s)<head>.*</head>|<[^>]*>`)

// The words of an invitation are about a first password, and those of a blocked password about a
// new one. Neither flow is called a reset, on a page or in the answer to a program.
func TestFlowsSpeakForThemselves(t *testing.T) {
	t.Parallel()
	foreign := map[string]*regexp.Regexp{
		"invitation": regexp.MustCompile(`(?i)reset|new password|password (?:was|is) changed|signed out|cancel|it was me`),
		"decl":       regexp.MustCompile(`(?i)reset|new password|password (?:was|is) changed|signed out|cancel|it was me`),
		"renew":      regexp.MustCompile(`(?i)reset|invit|first password|cancel|declin`),
	}
	seen := 0
	for _, p := range shownPages() {
		for prefix, words := range foreign {
			if !strings.HasPrefix(p.name, prefix) {
				continue
			}
			seen++
			_, body := p.show(t)
			text := tags.ReplaceAllString(body, " ")
			title := regexp.MustCompile("<title>(.*)</title>").FindString(body)
			if found := words.FindString(title + text); found != "" {
				t.Errorf("%s: %q in %s", p.name, found, text)
			}
		}
	}
	if seen < 36 {
		t.Errorf("%d pages", seen)
	}
	for _, code := range []error{starter.ErrLinkInvalid, starter.ErrLinkExpired, starter.ErrLinkUsed, starter.ErrLinkCanceled, starter.ErrLinkEnded, starter.ErrLinkRestarted, starter.ErrChangeRefused, starter.ErrUnavailable} {
		for path, words := range map[string]*regexp.Regexp{"/account/accept_invitation/T": foreign["invitation"], "/account/renew_password/T": foreign["renew"]} {
			w := exchange(newTestHandler(t, &fakeResets{err: code}), "POST", path, jsonBody("password", "p"), asJSON)
			if codeOf(t, w) != problemOf(code).Code || words.MatchString(strings.ReplaceAll(w.Body.String(), problemOf(code).Code, "")) {
				t.Errorf("%s, %v: %s", path, code, w.Body)
			}
		}
	}
}

// The inviting person gives a new link for an invitation that is over, and nobody else: an account
// without a password is never reset. After a first password the account can be.
func TestDeadInvitations(t *testing.T) {
	t.Parallel()
	for err, asks := range map[error]bool{
		starter.ErrLinkInvalid: true, starter.ErrLinkExpired: true, starter.ErrLinkCanceled: true, starter.ErrLinkEnded: true, starter.ErrLinkRestarted: true,
		starter.ErrChangeRefused: true, starter.ErrLinkUsed: false,
	} {
		h := newTestHandler(t, &fakeResets{inspect: err, err: err})
		for _, w := range []string{
			exchange(h, "GET", "/account/accept-invitation/T", "").Body.String(),
			exchange(h, "POST", "/account/accept_invitation", "token=T&password=p", asForm).Body.String(),
		} {
			if strings.Contains(w, "sk the person who invited you to send it again.") != asks || strings.Contains(w, "/account/forgot-password") == asks {
				t.Errorf("%v: %s", err, w)
			}
		}
		renewal := exchange(h, "GET", "/account/renew-password/T", "").Body.String()
		if !strings.Contains(renewal, `class="button" href="/account/forgot-password"`) {
			t.Errorf("%v: no new link for a blocked password: %s", err, renewal)
		}
	}
}

// security 12: the token of each flow leaves the address bar, also from the page of an error.
func TestCleanURLs(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"change-password", "cancel-reset", "accept-invitation", "decline-invitation", "renew-password"} {
		h := newTestHandler(t, &fakeResets{inspect: starter.ErrUnavailable}, func(c *Config) { c.ClientLimit = 1 })
		for _, path := range []string{"/account/" + p, "/account/" + p + "/T", "/account/" + p + "/T/x"} {
			w := exchange(h, "GET", path, "", forPage)
			if want := `data-clean-url="/account/` + p + `"`; !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: no %s in %s", path, want, w.Body)
			}
		}
	}
	for _, base := range []string{baseURL, "https://example.com/id/"} {
		w := exchange(newTestHandler(t, &fakeResets{base: base}), "GET", "/account/forgot-password", "", forPage)
		if strings.Contains(w.Body.String(), "data-clean-url") {
			t.Errorf("a page without a token under %s: %s", base, w.Body)
		}
	}
}
