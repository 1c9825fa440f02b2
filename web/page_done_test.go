package web

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/starter"
)

// security 12: the page after an accepted form holds nothing of the posted fields, and requests
// nothing once more.
func TestTakenFormsLeadOn(t *testing.T) {
	t.Parallel()
	for _, p := range posts() {
		for _, err := range []error{nil, starter.ErrPending} {
			resets := &fakeResets{err: err, base: "https://example.com/id/"}
			h := newTestHandler(t, resets)
			w := exchange(h, "POST", p.path, formBody(p.fields...), asForm)
			to := w.Header().Get("Location")
			if p.path == "/account/forgot_password" && err != nil {
				continue // never pending
			}
			if w.Code != 303 || !strings.HasPrefix(to, "/id/account/") || strings.ContainsAny(to, "?#%") || w.Body.Len() > 0 {
				t.Errorf("%s, %v: %d to %q, %q", p.path, err, w.Code, to, w.Body)
			}
			calls := len(resets.calls)
			got := exchange(h, "GET", strings.TrimPrefix(to, "/id"), "", forPage, fromForm)
			if got.Code >= 400 || strings.Contains(got.Body.String(), "<form") {
				t.Errorf("%s: %d %s", to, got.Code, got.Body)
			}
			for _, call := range resets.calls[calls:] {
				if !strings.HasPrefix(call, "followed ") {
					t.Errorf("%s calls %q", to, call)
				}
			}
		}
	}
}

// A visitor who did not come from rekey's form reads no claim that something was done: the
// addresses of these pages are public. They hold nothing of a request either.
func TestSharedPagesClaimNothing(t *testing.T) {
	t.Parallel()
	strangers := []string{"X-Old-Browser: yes", "Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"}
	shared := func(resets *fakeResets, path, page string) {
		t.Helper()
		for _, from := range strangers {
			w := exchange(newTestHandler(t, resets), "GET", path+"?text=evil", "", forPage, from)
			if w.Code != 200 {
				t.Errorf("%s: %d", path, w.Code)
			}
			golden.Check(t, "pages/"+page+".html", w.Body.String())
		}
	}
	for page, paths := range map[string][]string{
		"again":            {"/account/password-changed", "/account/reset-canceled", "/account/cancel-pending"},
		"invitation-again": {"/account/invitation-accepted", "/account/invitation-declined", "/account/decline-pending"},
		"renewal-again":    {"/account/password-renewed"},
	} {
		for _, path := range paths {
			shared(&fakeResets{}, path, page)
		}
	}
	pending := func(resets *fakeResets) {
		t.Helper()
		shared(resets, "/account/password-pending/TICKET", "again")
		shared(resets, "/account/invitation-pending/TICKET", "invitation-again")
		shared(resets, "/account/renew-pending/TICKET", "renewal-again")
	}
	for _, state := range []starter.LinkState{starter.LinkOpen, starter.LinkPending, starter.LinkChanged} {
		pending(&fakeResets{link: starter.Link{State: state}})
	}
	for _, err := range []error{starter.ErrLinkInvalid, starter.ErrLinkExpired, starter.ErrLinkCanceled, starter.ErrChangeRefused, starter.ErrUnavailable} {
		pending(&fakeResets{inspect: err})
	}
	h := newTestHandler(t, &fakeResets{})
	plain := exchange(h, "GET", "/account/link-sent", "", forPage).Body.String()
	if got := exchange(h, "GET", "/account/link-sent?text=evil", "", forPage, "Sec-Fetch-Site: none").Body.String(); got != plain {
		t.Errorf("the page depends on who opens it: %s", got)
	}
}

// The waiting page shows the result of a submitted password.
func TestPendingPage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		resets *fakeResets
		status int
		says   string
	}{
		"pending":       {&fakeResets{link: starter.Link{State: starter.LinkPending}}, 202, "is being set"},
		"changed":       {&fakeResets{link: starter.Link{State: starter.LinkChanged}}, 303, ""},
		"lost":          {&fakeResets{link: starter.Link{State: starter.LinkOpen}}, 200, "password again"},
		"Temporal away": {&fakeResets{inspect: starter.ErrUnavailable}, 202, "is being set"},
		"not known":     {&fakeResets{inspect: errors.New("x")}, 202, "is being set"},
		"refused":       {&fakeResets{inspect: starter.ErrChangeRefused}, 400, "could not be changed"},
		"canceled":      {&fakeResets{inspect: starter.ErrLinkCanceled}, 400, "was canceled"},
		"expired":       {&fakeResets{inspect: starter.ErrLinkExpired}, 400, "Request a new one"},
		"no ticket":     {&fakeResets{inspect: starter.ErrLinkInvalid}, 200, "confirms nothing"},
	} {
		for path, done := range map[string]string{"password-pending": "password-changed", "invitation-pending": "invitation-accepted", "renew-pending": "password-renewed"} {
			w := exchange(newTestHandler(t, tc.resets), "GET", "/account/"+path+"/TICKET", "", forPage, fromForm)
			if w.Code != tc.status || path == "password-pending" && !strings.Contains(w.Body.String(), tc.says) {
				t.Errorf("%s, %s: %d %s", path, name, w.Code, w.Body)
			}
			if to := w.Header().Get("Location"); (to == "/account/"+done) != (tc.status == 303) {
				t.Errorf("%s, %s: to %q", path, name, to)
			}
		}
	}
}

// A link opened while its password is being set shows the page that waits, and names its account.
// Its form leads to that page.
func TestPendingLinkWaits(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{link: starter.Link{State: starter.LinkPending, Address: "alice@example.com"}, err: starter.ErrUnavailable})
	form := exchange(h, "POST", "/account/reset_password", "token=T&password=p", asForm)
	if to := form.Header().Get("Location"); to != "/account/password-pending/TICKET" {
		t.Errorf("to %q", to)
	}
	link := exchange(h, "GET", "/account/change-password/T", "", forPage, "Sec-Fetch-Site: cross-site")
	for _, says := range []string{"is being set", "alice@example.com", `href="/account/password-pending/TICKET" data-poll`} {
		if link.Code != 202 || !strings.Contains(link.Body.String(), says) {
			t.Errorf("no %s: %d %s", says, link.Code, link.Body)
		}
	}
}

// A browser that opens the address of a form again is redirected to the page with the form. A
// program gets an error.
func TestAddressOfAFormLeadsToIt(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{base: "https://example.com/id/"})
	for path, page := range map[string]string{
		"/account/forgot_password": "/account/forgot-password",
		"/account/reset_password":  "/account/change-password",
		"/account/cancel_reset":    "/account/cancel-reset",
		"/account/cancel_reset/T":  "/account/cancel-reset",

		"/account/accept_invitation":    "/account/accept-invitation",
		"/account/decline_invitation":   "/account/decline-invitation",
		"/account/decline_invitation/T": "/account/decline-invitation",
		"/account/renew_password":       "/account/renew-password",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			w := exchange(h, method, path, "", forPage)
			if to := w.Header().Get("Location"); w.Code != 302 || to != "/id"+page {
				t.Errorf("%s %s: %d to %q", method, path, w.Code, to)
			}
		}
		if w := exchange(h, "GET", page, "", forPage); w.Code != 200 {
			t.Errorf("%s: %d", page, w.Code)
		}
		if w := exchange(h, "GET", path, ""); w.Code != 405 || w.Header().Get("Allow") != "POST" || codeOf(t, w) != "method_not_allowed" {
			t.Errorf("%s, a program: %d %q", path, w.Code, w.Body)
		}
	}
}

// security 6: a page never promises a link for longer than it works, and never shows a working
// link as expired.
func TestPageAgreesWithTheGrace(t *testing.T) {
	t.Parallel()
	s := newRealStarter(t)
	h := newTestHandler(t, s)
	const grace = time.Minute // for clocks that differ
	ends := time.Now().Truncate(time.Second).Add(time.Hour)
	token := s.token(t, ends)
	for left, says := range map[time.Duration]string{
		7 * 24 * time.Hour:               "works for 7 more days, until",
		72*time.Hour - time.Second:       "works for 2 more days, until",
		48*time.Hour - time.Second:       "works for 47 more hours, until",
		25 * time.Hour:                   "works for 25 more hours, until",
		119*time.Minute + 59*time.Second: "works for 119 more minutes, until",
		2*time.Minute - time.Second:      "works for 1 more minute, until",
		time.Minute - time.Second:        "works for less than a minute more.",
		0:                                "works for less than a minute more.",
		-grace:                           "works for less than a minute more.",
		-grace - time.Second:             "This link has expired",
	} {
		s.now = ends.Add(-left)
		body := exchange(h, "GET", "/account/change-password/"+token, "", forPage).Body.String()
		if !strings.Contains(body, says) {
			t.Errorf("%v before its end: %s", left, body)
		}
	}
}

// The page for a cancel offers no other reset.
func TestShellToCancelOffersNoLink(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{})
	for path, offered := range map[string]bool{
		"/account/change-password": true, "/account/cancel-reset": false,
		"/account/accept-invitation": false, "/account/decline-invitation": false, "/account/renew-password": true,
	} {
		if body := exchange(h, "GET", path, "", forPage).Body.String(); strings.Contains(body, "Get a new link") != offered {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// Each page with a temporary refusal has a way on. It leads to the page, to the posted form, or to
// the email when that form needs the link.
func TestProblemsHaveAWayOn(t *testing.T) {
	t.Parallel()
	const button, email = `class="button" href="`, "<p>Open the link in the email again.</p>"
	for path, again := range map[string]string{
		"POST /account/forgot_password":   button + "/account/forgot-password\"",
		"POST /account/reset_password":    email,
		"POST /account/reset_password/T":  email,
		"POST /account/cancel_reset":      email,
		"POST /account/cancel_reset/T":    email,
		"GET /account/change-password/T":  button + "/account/change-password/T\"",
		"GET /account/password-pending/T": button + "/account/password-pending/T\"",

		"POST /account/accept_invitation":   email,
		"POST /account/renew_password/T":    email,
		"POST /account/decline_invitation":  email,
		"GET /account/accept-invitation/T":  button + "/account/accept-invitation/T\"",
		"GET /account/invitation-pending/T": button + "/account/invitation-pending/T\"",
		"GET /account/renew-password/T":     button + "/account/renew-password/T\"",
	} {
		h := newTestHandler(t, &fakeResets{}, func(c *Config) { c.ClientLimit = 1 })
		method, target, _ := strings.Cut(path, " ")
		w := exchange(h, method, target, "", asForm)
		for range readsPerPost + 1 {
			w = exchange(h, method, target, "", asForm)
		}
		body := w.Body.String()
		if w.Code != 429 || !strings.Contains(body, again) || strings.Contains(body, "Try again<") != strings.HasPrefix(again, button) {
			t.Errorf("%s: %d %s", path, w.Code, body)
		}
	}
}
