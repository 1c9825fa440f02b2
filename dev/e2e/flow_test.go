package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/statemachine"
)

const (
	newPassword   = "plum velvet thirty gulls"
	otherPassword = "brass kettle under ferns"
)

// security 17: a reset makes no session, by JSON or by the form, at its end or on the way.
func TestResetSignsNobodyIn(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]string{"JSON": asJSON, "form": asForm} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			browser := &http.Client{}
			var err error
			if browser.Jar, err = cookiejar.New(nil); err != nil {
				t.Fatal(err)
			}
			send := func(path string, pairs ...string) {
				body := jsonOf(pairs...)
				if kind == asForm {
					body = formOf(append(pairs, "confirm", pairs[1])...)
				}
				resp, err := browser.Post(shared.URL+path, kind, strings.NewReader(body))
				if err != nil || resp.StatusCode != http.StatusOK || len(resp.Header.Values("Set-Cookie")) > 0 {
					t.Fatalf("%s: %v %v", path, err, resp)
				}
				resp.Body.Close()
			}
			who := newPerson(t, shared, nil)
			forgot(t, shared, who.Address)
			token, _ := tokens(t, shared, who.Address, 1)
			page, err := browser.Get(shared.URL + "/account/change-password/" + token)
			if err != nil {
				t.Fatal(err)
			}
			page.Body.Close()
			send("/account/reset_password", "password", newPassword, "token", token)
			home, err := url.Parse(shared.URL)
			if err != nil {
				t.Fatal(err)
			}
			if cookies := browser.Jar.Cookies(home); len(cookies) > 0 {
				t.Errorf("the browser holds %v", cookies)
			}
			if code := signIn(t, shared, who.Address, newPassword); code != 200 {
				t.Errorf("sign-in with the new password: %d", code)
			}
		})
	}
}

func TestResetFromRequestToNotice(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, func(a *account.Account) { a.Notify = []string{"second." + a.ID + "@example.com"} })
	forgot(t, shared, strings.ToUpper(who.Address))
	token, _ := tokens(t, shared, who.Address, 1)

	if a := get(t, shared, "/account/reset_password/"+token); a.State != "open" {
		t.Errorf("state of an unused link: %+v", a)
	}
	if a := reset(t, shared, token, newPassword); a.code != 200 || a.Status != "okay" {
		t.Fatalf("reset: %+v", a)
	}
	if code := signIn(t, shared, who.Address, newPassword); code != 200 {
		t.Errorf("sign-in with the new password: %d", code)
	}
	if code := signIn(t, shared, who.Address, demo.Password); code != 401 {
		t.Errorf("sign-in with the old password: %d", code)
	}
	// security 18: every address that the store returns is notified.
	for _, address := range []string{who.Address, who.Notify[0]} {
		n := map[bool]int{true: 2, false: 1}[address == who.Address]
		if text := mailed(t, shared, address, n); !strings.Contains(text, "changed") {
			t.Errorf("notice to %s: %q", address, text)
		}
	}
	waitFor(t, shared, who, statemachine.StateCompleted)
	if a := get(t, shared, "/account/reset_password/"+token); a.State != "changed" {
		t.Errorf("state of a used link: %+v", a)
	}
}

// security 36: the same submission twice is okay twice, another one is link_used.
func TestLinkUsedAgain(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	forgot(t, shared, who.Address)
	token, _ := tokens(t, shared, who.Address, 1)
	for range 2 {
		if a := reset(t, shared, token, newPassword); a.code != 200 {
			t.Fatalf("reset: %+v", a)
		}
	}
	if a := reset(t, shared, token, otherPassword); a.code != 400 || a.Code != "link_used" {
		t.Errorf("another password on a used link: %+v", a)
	}
	if code := signIn(t, shared, who.Address, otherPassword); code != 401 {
		t.Errorf("the second password signs in: %d", code)
	}
}

// security 8: a refused password does not burn the link.
func TestRefusedPasswordKeepsTheLink(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	forgot(t, shared, who.Address)
	token, _ := tokens(t, shared, who.Address, 1)
	for pw, code := range map[string]string{
		"short":                    "password_too_short",
		strings.Repeat("a b", 400): "password_too_long",
		"aaaaaaaaaaaaaaaaaaaaaa":   "password_too_weak",
		"tab\tin a long password":  "password_invalid",
	} {
		if a := reset(t, shared, token, pw); a.code != 400 || a.Code != code {
			t.Errorf("%.10q: got %+v, want %s", pw, a, code)
		}
	}
	if a := reset(t, shared, token, newPassword); a.code != 200 {
		t.Errorf("reset after refused passwords: %+v", a)
	}
}

func TestAccountsThatGetNoMail(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*account.Account){
		"disabled":       func(a *account.Account) { a.Disabled = true },
		"not resettable": func(a *account.Account) { a.Resettable = false },
		"SSO only":       func(a *account.Account) { a.Credential = "" }, // security 30
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, shared, change)
			forgot(t, shared, who.Address)
			waitForMailWithheld(t, shared, who)
		})
	}
}

func TestCanceledByTheOwner(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	forgot(t, shared, who.Address)
	toReset, toCancel := tokens(t, shared, who.Address, 1)
	// security 29: a cancel token does not reset, nor the other way round.
	if a := reset(t, shared, toCancel, newPassword); a.Code != "link_invalid" {
		t.Errorf("reset with the cancel token: %+v", a)
	}
	if a := post(t, shared, "/account/cancel_reset/"+toReset, struct{}{}); a.Code != "link_invalid" {
		t.Errorf("cancel with the reset token: %+v", a)
	}
	for range 2 {
		if a := post(t, shared, "/account/cancel_reset/"+toCancel, struct{}{}); a.code != 200 {
			t.Errorf("cancel: %+v", a)
		}
	}
	if a := reset(t, shared, toReset, newPassword); a.Code != "link_canceled" {
		t.Errorf("reset after the cancel: %+v", a)
	}
	waitFor(t, shared, who, statemachine.StateCanceled)
	forgot(t, shared, who.Address)
	tokens(t, shared, who.Address, 2) // a new run, a new link
}

// security 6: an expired link has another answer than a used one.
func TestExpiredLink(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := start(t, func(c *stack.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	who := newPerson(t, s, nil)
	forgot(t, s, who.Address)
	token, _ := tokens(t, s, who.Address, 1)
	ahead.Store(int64(32 * time.Minute)) // the link's life, and the clocks' tolerance
	if a := reset(t, s, token, newPassword); a.Code != "link_expired" {
		t.Errorf("reset with an expired link: %+v", a)
	}
}

// security 23: with every worker down, requests and new passwords are accepted, and
// carried out when one returns.
func TestRequestsAndSubmissionsWithoutAWorker(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	early, late := newPerson(t, s, nil), newPerson(t, s, nil)
	forgot(t, s, early.Address)
	token, _ := tokens(t, s, early.Address, 1)
	if err := s.StopWorker(); err != nil {
		t.Fatal(err)
	}
	forgot(t, s, late.Address)
	submit(t, s, token)
	if a := get(t, s, "/account/reset_password/"+token); a.State != "pending" {
		t.Errorf("state without a worker: %+v", a)
	}
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, s, early, statemachine.StateCompleted)
	if code := signIn(t, s, early.Address, newPassword); code != 200 {
		t.Errorf("sign-in after the worker came back: %d", code)
	}
	tokens(t, s, late.Address, 1)
}

// security 6, 23: a submission from the life of the link is applied, and a retry after its end
// says so. Nothing new is taken then.
func TestHandedInBeforeTheLinkExpired(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := start(t, func(c *stack.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	used, unused := newPerson(t, s, nil), newPerson(t, s, nil)
	forgot(t, s, used.Address)
	forgot(t, s, unused.Address)
	token, _ := tokens(t, s, used.Address, 1)
	never, _ := tokens(t, s, unused.Address, 1)
	if err := s.StopWorker(); err != nil {
		t.Fatal(err)
	}
	submit(t, s, token)
	ahead.Store(int64(32 * time.Minute)) // the link's life, and the clocks' tolerance
	submit(t, s, token)
	if a := get(t, s, "/account/reset_password/"+token); a.State != "pending" {
		t.Errorf("state of the link that was used: %+v", a)
	}
	for what, a := range map[string]answer{
		"state": get(t, s, "/account/reset_password/"+never), "submission": reset(t, s, never, newPassword),
	} {
		if a.Code != "link_expired" {
			t.Errorf("%s of the link that was not: %+v", what, a)
		}
	}
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, s, used, statemachine.StateCompleted)
	if a := reset(t, s, token, newPassword); a.code != 200 {
		t.Errorf("the same password again: %+v", a)
	}
	// Five are compared in all, with the two that were the same one.
	for _, another := range []string{otherPassword, "aaaaaaaaaaaaaaaaaaaa", otherPassword} {
		if a := reset(t, s, token, another); a.Code != "link_used" {
			t.Errorf("another password: %+v", a)
		}
	}
	if a := reset(t, s, token, newPassword); a.Code != "link_expired" {
		t.Errorf("a guess too many at the password that was set: %+v", a)
	}
	if a := get(t, s, "/account/reset_password/"+token); a.State != "changed" {
		t.Errorf("state at the end: %+v", a)
	}
	ahead.Store(int64(25 * time.Hour))
	if a := reset(t, s, token, newPassword); a.Code != "link_expired" {
		t.Errorf("a day later: %+v", a)
	}
}
