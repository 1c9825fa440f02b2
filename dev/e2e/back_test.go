package e2e

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/rekeyhq/rekey/dev/process"
)

// journeys are the two ways in which a browser shows the pages.
var journeys = map[string][]chromedp.ExecAllocatorOption{
	"with JavaScript":    nil,
	"without JavaScript": {withoutScripts},
}

// spy notes the content of the fields when a form was sent, and when Chromium lays the page
// aside and takes it out again. It runs after the page's own script.
const spy = `(() => {
  const note = (when, persisted) => {
    const fields = [...document.querySelectorAll("#password, #confirm")].map((f) => f.type + ":" + f.value);
    sessionStorage[when] = [persisted, ...fields, document.querySelector("[data-show] input").checked].join();
  };
  document.querySelector("form").addEventListener("submit", () => setTimeout(note, 0, "sent", ""));
  addEventListener("pagehide", (e) => note("laid aside", ""));
  addEventListener("pageshow", (e) => note("shown", e.persisted));
  return document.documentElement.id = "spied";
})()`

// left is the notes of a spy.
func (b *tab) left(when string) string {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[string](`sessionStorage["`+when+`"] ?? ""`))
}

// nothingIsLeft checks a spy's notes; shown is the note of a page that came back alive.
func (b *tab) nothingIsLeft(shown string) {
	b.t.Helper()
	const empty = ",password:,password:,false"
	for when, want := range map[string]string{"sent": empty, "laid aside": empty, "shown": shown} {
		if got := b.left(when); got != want {
			b.t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
}

// back goes back, to a page that loads or to one that was kept alive and does not load.
func (b *tab) back() {
	b.t.Helper()
	was := b.history()
	to := page.NavigateToHistoryEntryParams{EntryID: was.Entries[was.CurrentIndex-1].ID}
	call(b, page.NavigateToHistoryEntry, to)
	process.Eventually(b.t, patience, "the page before", func() bool { return b.history().CurrentIndex == was.CurrentIndex-1 })
}

func (b *tab) history() page.GetNavigationHistoryResult {
	b.t.Helper()
	return call(b, page.GetNavigationHistory, cdp.Empty{})
}

// call gives Chromium a command for the page.
func call[P, R any](b *tab, cmd cdp.Command[P, R], params P) R {
	b.t.Helper()
	return ask(b, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, cmd, params) })
}

// shows waits for a page that may have been kept alive. The browser then reports no new one, in
// which chromedp would look for a heading.
func (b *tab) shows(heading string) {
	b.t.Helper()
	process.Eventually(b.t, patience, "the page "+heading, func() bool {
		return ask(b, chromedp.Evaluate[string]("document.querySelector('h1')?.textContent ?? ''")) == heading
	})
}

func (b *tab) reload() { b.t.Helper(); b.do("reload", chromedp.Reload()) }

// at is the path of the page. No page of these tests may have a secret in it.
func (b *tab) at() string {
	b.t.Helper()
	u, err := url.Parse(ask(b, chromedp.Location()))
	if err != nil {
		b.t.Fatal(err)
	}
	return u.Path
}

// stays checks that a page may be loaded again, and that nothing is posted by that.
func (b *tab) stays(path, heading string) {
	b.t.Helper()
	b.heading(heading)
	posts := b.posts()
	for range 2 {
		b.heading(heading)
		if at := b.at(); !strings.HasPrefix(at, path) || resetLink.MatchString(at) || cancelLink.MatchString(at) {
			b.t.Errorf("%s is at %s, want %s", heading, at, path)
		}
		b.reload()
	}
	b.heading(heading)
	if n := b.posts(); n != posts {
		b.t.Errorf("%s was posted once more", heading)
	}
}

// security 12: Back brings no password back, neither a new one nor a refused one, also when it
// was shown.
func TestBackShowsNoPassword(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	b := atSignIn(t, shared)
	forgot(t, shared, who.Address)
	token, _ := tokens(t, shared, who.Address, 1)
	const form, weak = "/account/change-password", "aaaaaaaaaaaaaaaaaaaaaa"
	b.visit(shared.URL + form + "/" + token)
	for _, pw := range []string{weak, newPassword} {
		b.heading("Choose a new password")
		ask(b, chromedp.Evaluate[string](spy))
		b.fill("New password", pw)
		b.fill("New password again", pw)
		b.click("Show the password")
		b.click("Set the new password")
		if pw == weak {
			b.see("easy to guess")
			b.stays(form, "Choose a new password")
			b.nothingIsLeft("")
		}
	}
	b.stays("/account/password-changed", "Your password was changed")
	posts := b.posts()
	for range 2 { // the form that was taken, and before it the one that was refused
		b.back()
		b.see("The links of this reset no longer work.")
		if at := b.at(); at != form {
			t.Errorf("Back leads to %s", at)
		}
	}
	b.nothingIsLeft("true,password:,password:,false")
	if n := b.posts(); n != posts {
		t.Errorf("Back posted a form again")
	}
}

// Text that was typed and not sent is gone too.
func TestBackShowsNothingTyped(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	b := atSignIn(t, shared)
	forgot(t, shared, who.Address)
	token, _ := tokens(t, shared, who.Address, 1)
	b.visit(shared.URL + "/account/change-password/" + token)
	b.heading("Choose a new password")
	ask(b, chromedp.Evaluate[string](spy))
	b.fill("New password", newPassword)
	b.click("Show the password")
	b.visit(shared.URL + "/login")
	b.heading("Sign in")
	b.back()
	b.do("wait for a page that is new", chromedp.WaitNotPresent(chromedp.CSS("#spied")))
	b.heading("Choose a new password")
	if got := b.left("laid aside"); got != ",password:,password:,false" {
		t.Errorf("laid aside with %q", got)
	}
	if got := ask(b, chromedp.Value(field("New password"))); got != "" {
		t.Errorf("the field holds %q", got)
	}
	b.choosePassword(newPassword, newPassword)
	b.heading("Your password was changed")
}

// A form that was taken leads to a page that may be loaded again and left with Back.
func TestPagesAfterAForm(t *testing.T) {
	t.Parallel()
	for name, options := range journeys {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, shared, nil)
			b := atSignIn(t, shared, options...)
			b.askForLink(who.Address)
			b.stays("/account/link-sent", "Check your email")
			posts := b.posts()
			b.back()
			b.shows("Reset your password")
			_, toCancel := tokens(t, shared, who.Address, 1)
			b.visit(shared.URL + "/account/cancel-reset/" + toCancel)
			b.click("Cancel the reset")
			b.stays("/account/reset-canceled", "The reset was canceled")
			b.back()
			b.shows("Cancel the password reset?")
			if n := b.posts(); n != posts+1 {
				t.Errorf("%d posts, want %d", n, posts+1)
			}
			for path, heading := range map[string]string{
				"forgot_password": "Reset your password", "reset_password": "Open the link in the email", "cancel_reset": "Open the link in the email",
			} {
				b.visit(shared.URL + "/account/" + path)
				b.heading(heading)
			}
			b.visit(shared.URL + "/account/reset-canceled")
			b.heading("Password reset")
		})
	}
}

// security 23: before a worker sets it, a new password has a page that may be loaded again and
// has no link in its address. It goes on by itself.
func TestPendingPageGoesOn(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	pages := map[string]*tab{}
	for name, options := range journeys {
		who := newPerson(t, s, nil)
		forgot(t, s, who.Address)
		token, _ := tokens(t, s, who.Address, 1)
		pages[name] = atSignIn(t, s, options...)
		pages[name].visit(s.URL + "/account/change-password/" + token)
	}
	if err := s.StopWorker(); err != nil {
		t.Fatal(err)
	}
	for _, b := range pages {
		b.choosePassword(newPassword, newPassword)
		b.stays("/account/password-pending/", "The new password is being set")
	}
	if err := s.StartWorker(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, b := range pages {
		b.stays("/account/password-changed", "Your password was changed")
	}
}
