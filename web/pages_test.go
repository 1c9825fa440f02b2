package web

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/testkit/golden"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
)

// shownPage is a page and how to get it.
type shownPage struct {
	name   string
	resets *fakeResets
	get    string
	post   string // form body; "" = get
	status int
}

func shownPages() []shownPage {
	link := func(s starter.LinkState) starter.Link {
		return starter.Link{State: s, Address: "alice@example.com", Expires: time.Date(2026, 3, 1, 14, 32, 0, 0, time.UTC), Left: 12*time.Minute + 59*time.Second}
	}
	open, bounded := link(starter.LinkOpen), link(starter.LinkOpen)
	bounded.MaxBytes = 72
	days := link(starter.LinkOpen)
	days.Left = 72*time.Hour - time.Second
	ends := link(starter.LinkOpen)
	ends.Left = -30 * time.Second
	const form = "token=TOKEN&password=SECRET&confirm=SECRET"
	weak := &password.Refusal{Code: password.TooWeak, Reason: "Easy to guess.", Suggestions: []string{"Add a word.", "Avoid names."}}
	known := &password.Refusal{
		Code: password.Breached, Reason: "It is known from a data breach.",
		Suggestions: []string{"Choose one that you use nowhere else."},
	}
	return []shownPage{
		{"forgot", &fakeResets{}, "/account/forgot-password", "", 200},
		{"forgot-address", &fakeResets{err: account.ErrAddress}, "/account/forgot_password", `email=%22%3Cb%3E`, 400},
		{"forgot-unavailable", &fakeResets{err: starter.ErrUnavailable}, "/account/forgot_password", "email=alice@example.com", 503},
		{"sent", &fakeResets{}, "/account/link-sent", "", 200},
		{"change", &fakeResets{link: open}, "/account/change-password/TOKEN", "", 200},
		{"change-bcrypt", &fakeResets{link: bounded}, "/account/change-password/TOKEN", "", 200},
		{"change-refused-bcrypt", &fakeResets{link: bounded, err: weak}, "/account/reset_password", form, 400},
		{"change-ends", &fakeResets{link: ends}, "/account/change-password/TOKEN", "", 200},
		{"change-refused", &fakeResets{link: open, err: weak}, "/account/reset_password", form, 400},
		{"change-breached", &fakeResets{link: open, err: known}, "/account/reset_password", form, 400},
		{"change-mismatch", &fakeResets{link: open}, "/account/reset_password", form + "2", 400},
		{"change-busy", &fakeResets{link: open, err: starter.ErrBusy}, "/account/reset_password", form, 503},
		{"change-unavailable", &fakeResets{link: open, inspect: starter.ErrUnavailable, err: starter.ErrUnavailable}, "/account/reset_password", form, 503},
		{"expired-unavailable", &fakeResets{inspect: starter.ErrUnavailable, err: starter.ErrUnavailable}, "/account/reset_password", form, 503},
		{"change-meanwhile", &fakeResets{link: link(starter.LinkChanged), err: starter.ErrUnavailable}, "/account/reset_password", form, 400},
		{"pending-link", &fakeResets{link: link(starter.LinkPending)}, "/account/change-password/TOKEN", "", 202},
		{"pending-expired", &fakeResets{inspect: starter.ErrLinkExpired}, "/account/password-pending/TICKET", "", 400},
		{"pending", &fakeResets{link: link(starter.LinkPending)}, "/account/password-pending/TICKET", "", 202},
		{"pending-lost", &fakeResets{link: open}, "/account/password-pending/TICKET", "", 200},
		{"pending-canceled", &fakeResets{inspect: starter.ErrLinkCanceled}, "/account/password-pending/TICKET", "", 400},
		{"changed", &fakeResets{}, "/account/password-changed", "", 200},
		{"changed-again", &fakeResets{link: link(starter.LinkChanged)}, "/account/change-password/TOKEN", "", 200},
		{"link-invalid", &fakeResets{inspect: starter.ErrLinkInvalid}, "/account/change-password/TOKEN", "", 400},
		{"link-expired", &fakeResets{inspect: starter.ErrLinkExpired}, "/account/change-password/TOKEN", "", 400},
		{"link-canceled", &fakeResets{inspect: starter.ErrLinkCanceled}, "/account/change-password/TOKEN", "", 400},
		{"link-refused", &fakeResets{inspect: starter.ErrChangeRefused}, "/account/change-password/TOKEN", "", 400},
		{"link-ended", &fakeResets{inspect: starter.ErrLinkEnded}, "/account/change-password/TOKEN", "", 400},
		{"link-restarted", &fakeResets{inspect: starter.ErrLinkRestarted}, "/account/change-password/TOKEN", "", 400},
		{"link-unavailable", &fakeResets{inspect: starter.ErrUnavailable}, "/account/change-password/TOKEN", "", 503},
		{"link-used", &fakeResets{err: starter.ErrLinkUsed}, "/account/reset_password", form, 400},
		{"mismatch-forged", &fakeResets{inspect: starter.ErrLinkInvalid}, "/account/reset_password", form + "2", 400},
		{"shell", &fakeResets{}, "/account/change-password", "", 200},
		{"shell-cancel", &fakeResets{}, "/account/cancel-reset", "", 200},
		{"cancel", &fakeResets{}, "/account/cancel-reset/TOKEN", "", 200},
		{"cancel-unavailable", &fakeResets{err: starter.ErrUnavailable}, "/account/cancel_reset", "token=TOKEN", 503},
		{"cancel-expired", &fakeResets{err: starter.ErrLinkExpired}, "/account/cancel_reset", "token=TOKEN", 400},
		{"cancel-used", &fakeResets{err: starter.ErrLinkUsed}, "/account/cancel_reset", "token=TOKEN", 400},
		{"canceled", &fakeResets{}, "/account/reset-canceled", "", 200},
		{"canceling", &fakeResets{}, "/account/cancel-pending", "", 200},
		{"cross-origin", &fakeResets{}, "/account/forgot_password", "email=alice@example.com", 403},
		{"switched-off", &fakeResets{}, "/account/forgot-password", "", 400},
		{"puzzle", &fakeResets{}, "/account/forgot_password", "email=alice@example.com", 503},
		{"too-many", &fakeResets{}, "/account/forgot_password", "email=alice@example.com", 429},
		{"too-many-reset", &fakeResets{link: open}, "/account/reset_password", form, 429},
		{"too-many-cancel", &fakeResets{}, "/account/cancel_reset", "token=TOKEN", 429},
		{"internal", &fakeResets{inspect: errors.New("unknown")}, "/account/change-password/TOKEN", "", 500},
		{"not-found", &fakeResets{}, "/account/nothing", "", 404},

		{"invitation", &fakeResets{link: days}, "/account/accept-invitation/TOKEN", "", 200},
		{"invitation-refused", &fakeResets{link: open, err: weak}, "/account/accept_invitation", form, 400},
		{"invitation-unavailable", &fakeResets{inspect: starter.ErrUnavailable}, "/account/accept-invitation/TOKEN", "", 503},
		{"invitation-pending", &fakeResets{link: link(starter.LinkPending)}, "/account/accept-invitation/TOKEN", "", 202},
		{"invitation-ticket", &fakeResets{link: link(starter.LinkPending)}, "/account/invitation-pending/TICKET", "", 202},
		{"invitation-lost", &fakeResets{link: open}, "/account/invitation-pending/TICKET", "", 200},
		{"invitation-accepted", &fakeResets{}, "/account/invitation-accepted", "", 200},
		{"invitation-used", &fakeResets{link: link(starter.LinkChanged)}, "/account/accept-invitation/TOKEN", "", 200},
		{"invitation-link-used", &fakeResets{err: starter.ErrLinkUsed}, "/account/accept_invitation", form, 400},
		{"invitation-link-invalid", &fakeResets{inspect: starter.ErrLinkInvalid}, "/account/accept-invitation/TOKEN", "", 400},
		{"invitation-expired", &fakeResets{inspect: starter.ErrLinkExpired}, "/account/accept-invitation/TOKEN", "", 400},
		{"invitation-declined", &fakeResets{inspect: starter.ErrLinkCanceled}, "/account/accept-invitation/TOKEN", "", 400},
		{"invitation-ended", &fakeResets{inspect: starter.ErrLinkEnded}, "/account/accept-invitation/TOKEN", "", 400},
		{"invitation-restarted", &fakeResets{inspect: starter.ErrLinkRestarted}, "/account/accept-invitation/TOKEN", "", 400},
		{"invitation-rejected", &fakeResets{inspect: starter.ErrChangeRefused}, "/account/accept-invitation/TOKEN", "", 400},
		{"invitation-shell", &fakeResets{}, "/account/accept-invitation", "", 200},
		{"decline", &fakeResets{}, "/account/decline-invitation/TOKEN", "", 200},
		{"decline-unavailable", &fakeResets{err: starter.ErrUnavailable}, "/account/decline_invitation", "token=TOKEN", 503},
		{"decline-expired", &fakeResets{err: starter.ErrLinkExpired}, "/account/decline_invitation", "token=TOKEN", 400},
		{"decline-used", &fakeResets{err: starter.ErrLinkUsed}, "/account/decline_invitation", "token=TOKEN", 400},
		{"decline-shell", &fakeResets{}, "/account/decline-invitation", "", 200},
		{"declined", &fakeResets{}, "/account/invitation-declined", "", 200},
		{"declining", &fakeResets{}, "/account/decline-pending", "", 200},
		{"renewal", &fakeResets{link: days}, "/account/renew-password/TOKEN", "", 200},
		{"renewal-refused", &fakeResets{link: open, err: weak}, "/account/renew_password", form, 400},
		{"renewal-unavailable", &fakeResets{inspect: starter.ErrUnavailable}, "/account/renew-password/TOKEN", "", 503},
		{"renewal-pending", &fakeResets{link: link(starter.LinkPending)}, "/account/renew-pending/TICKET", "", 202},
		{"renewal-lost", &fakeResets{link: open}, "/account/renew-pending/TICKET", "", 200},
		{"renewed", &fakeResets{}, "/account/password-renewed", "", 200},
		{"renewal-used", &fakeResets{link: link(starter.LinkChanged)}, "/account/renew-password/TOKEN", "", 200},
		{"renewal-link-used", &fakeResets{err: starter.ErrLinkUsed}, "/account/renew_password", form, 400},
		{"renewal-expired", &fakeResets{inspect: starter.ErrLinkExpired}, "/account/renew-password/TOKEN", "", 400},
		{"renewal-withdrawn", &fakeResets{inspect: starter.ErrLinkCanceled}, "/account/renew-password/TOKEN", "", 400},
		{"renewal-ended", &fakeResets{inspect: starter.ErrLinkEnded}, "/account/renew-password/TOKEN", "", 400},
		{"renewal-restarted", &fakeResets{inspect: starter.ErrLinkRestarted}, "/account/renew-password/TOKEN", "", 400},
		{"renewal-shell", &fakeResets{}, "/account/renew-password", "", 200},
	}
}

// random is the part of a puzzle that differs each time.
var random = regexp.MustCompile(`(data-(?:salt|challenge|signature))="[^"]*"`)

func (p shownPage) show(t *testing.T) (int, string) {
	t.Helper()
	h, method, kind, origin := p.handler(t), "GET", forPage, fromForm
	if p.post != "" {
		method, kind = "POST", asForm
	}
	if p.name == "cross-origin" {
		origin = "Sec-Fetch-Site: cross-site"
	}
	w := exchange(h, method, p.get, p.post, kind, origin)
	if p.status == 429 { // the limit lets one pass
		w = exchange(h, method, p.get, p.post, kind, origin)
	}
	return w.Code, random.ReplaceAllString(w.Body.String(), `$1="RANDOM"`)
}

func (p shownPage) handler(t *testing.T) http.Handler {
	t.Helper()
	var resets starter.Resets = p.resets
	if p.name == "puzzle" {
		resets = flooded(t)
	}
	return newTestHandler(t, resets, func(c *Config) {
		c.Enabled = p.name != "switched-off"
		if p.status == 429 {
			c.ClientLimit = 1
		}
	})
}

// The pages as they are, to be read in a review. Write them anew with
// go test ./web -run 'TestPages|TestSharedPages' -update.
func TestPages(t *testing.T) {
	t.Parallel()
	for _, p := range shownPages() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			status, body := p.show(t)
			if status != p.status {
				t.Errorf("status %d, want %d", status, p.status)
			}
			golden.Check(t, "pages/"+p.name+".html", body)
		})
	}
}

// security 12: nothing inline, nothing from elsewhere, and no password comes back.
func TestPagesAreSelfContained(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)<style|style=|<script>|\son\w+=|javascript:`)
	source := regexp.MustCompile(`(?:src|href|action|url)="?=?([^"]*)"`)
	for _, p := range shownPages() {
		_, body := p.show(t)
		if found := inline.FindString(body); found != "" {
			t.Errorf("%s: %q", p.name, found)
		}
		for _, m := range source.FindAllStringSubmatch(body, -1) {
			if !strings.HasPrefix(m[1], "/account/") && m[1] != "/login" && m[1] != "mailto:help@example.com" {
				t.Errorf("%s: %q", p.name, m[1])
			}
		}
		if strings.Contains(body, "SECRET") {
			t.Errorf("%s: the password is in the page", p.name)
		}
	}
}

// A dead link is named plainly, with a way to a new one.
func TestDeadLinksOfferNewOne(t *testing.T) {
	t.Parallel()
	for _, err := range []error{starter.ErrLinkInvalid, starter.ErrLinkExpired, starter.ErrLinkUsed, starter.ErrLinkCanceled, starter.ErrLinkEnded, starter.ErrLinkRestarted, starter.ErrChangeRefused} {
		resets := &fakeResets{inspect: err, err: err}
		h := newTestHandler(t, resets)
		for _, w := range []string{
			exchange(h, "GET", "/account/change-password/T", "").Body.String(),
			exchange(h, "POST", "/account/reset_password", "token=T&password=p", asForm).Body.String(),
		} {
			if !strings.Contains(w, problemOf(err).Headline()) || !strings.Contains(w, `class="button" href="/account/forgot-password"`) {
				t.Errorf("%v: %s", err, w)
			}
		}
	}
}

// security 8 and 16: the form after a refused password is the whole form again.
func TestPasswordForm(t *testing.T) {
	t.Parallel()
	for _, p := range shownPages() {
		form := strings.TrimSuffix(p.name, "-refused")
		if !strings.HasPrefix(p.name, "change-") && !slices.Contains([]string{"change", "invitation", "renewal"}, form) || p.name == "change-meanwhile" {
			continue
		}
		_, body := p.show(t)
		rules := `passwordrules="minlength: 15;"`
		if p.resets.link.MaxBytes == 72 {
			rules = `passwordrules="minlength: 15; maxlength: 72;"`
		}
		for text, times := range map[string]int{
			`autocomplete="new-password"`: 2,
			rules:                         2,
			`autocapitalize="off" autocorrect="off" spellcheck="false"`: 2,
			`autocomplete="username"`:                                   1,
			`<label for="password">`:                                    1,
			`<label for="confirm">`:                                     1,
			`type="hidden" name="token" value="TOKEN"`:                  1,
			`data-show hidden`:                                          1,
			`onpaste`:                                                   0,
			`maxlength=`:                                                0, // it would cut a pasted password silently
		} {
			if got := strings.Count(body, text); got != times {
				t.Errorf("%s: %d times %s", p.name, got, text)
			}
		}
	}
}

// The page changes no typed address.
func TestAddressField(t *testing.T) {
	t.Parallel()
	body := exchange(newTestHandler(t, &fakeResets{}), "GET", "/account/forgot-password", "", forPage).Body.String()
	if want := `autocapitalize="off" autocorrect="off" spellcheck="false"`; !strings.Contains(body, want) {
		t.Errorf("%s lacks %s", body, want)
	}
}

// A proxy removes the path of a base URL; the links need it.
func TestPagesUnderPath(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{link: starter.Link{State: starter.LinkOpen}, base: "https://example.com/id/"})
	for _, path := range []string{
		"/account/change-password/T", "/account/forgot-password", "/account/cancel-reset/T",
		"/account/accept-invitation/T", "/account/decline-invitation/T", "/account/renew-password/T",
	} {
		body := exchange(h, "GET", path, "").Body.String()
		if strings.Contains(body, `="/account/`) || !strings.Contains(body, `="/id/account/`) {
			t.Errorf("%s: %s", path, body)
		}
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, &fakeResets{})
	for file, media := range map[string]string{
		"rekey.css": "text/css; charset=utf-8", "rekey.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		w := exchange(h, "GET", "/account/static/"+file, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != media {
			t.Errorf("%s: %d %q", file, w.Code, w.Header().Get("Content-Type"))
		}
		again := exchange(h, "GET", "/account/static/"+file, "", "If-None-Match: "+w.Header().Get("ETag"))
		if again.Code != 304 {
			t.Errorf("%s again: %d", file, again.Code)
		}
	}
}
