package e2e

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/statemachine"
)

// atSignIn opens a browser at the sign-in page.
func atSignIn(t *testing.T, s *stack.Stack, options ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	b := browse(t, []string{s.URL, s.Mail.URL()}, options...)
	b.visit(s.URL + "/login")
	b.heading("Sign in")
	return b
}

// askForLink goes from the sign-in page to the answer that a mail is on its way.
func (b *tab) askForLink(address string) {
	b.t.Helper()
	b.click("Forgot your password?")
	b.heading("Reset your password")
	b.fill("Email address", address)
	b.click("Send the link")
	b.heading("Check your email")
}

// openMail opens the newest of n mails to an address on the inbox's web page. Its text is in a
// frame. It is not clicked: mails to others come in, and the list moves under the pointer.
func (b *tab) openMail(s *stack.Stack, address string, n int) *tab {
	b.t.Helper()
	mailed(b.t, s, address, n)
	b.visit(s.Mail.URL())
	mail := ask(b, chromedp.AttributeValue(fmt.Sprintf("//nav/a[contains(., '%s')]", address), "href"))
	return b.frame(func() { b.visit(s.Mail.URL() + mail.Value) })
}

// choosePassword fills in the form that the mail leads to.
func (b *tab) choosePassword(first, again string) {
	b.t.Helper()
	b.heading("Choose a new password")
	b.fill("New password", first)
	b.fill("New password again", again)
	b.click("Set the new password")
}

func (b *tab) signIn(address, pw string) {
	b.t.Helper()
	b.heading("Sign in")
	b.fill("Email address", address)
	b.fill("Password", pw)
	b.click("Sign in")
}

func TestJourney(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]chromedp.ExecAllocatorOption{
		"with JavaScript":    nil,
		"without JavaScript": {withoutScripts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := newPerson(t, shared, nil)
			b := atSignIn(t, shared, options...)
			b.askForLink(who.Address)
			mail := b.openMail(shared, who.Address, 1)
			form := b.newTab(func() { mail.click("Choose a new password") })
			form.heading("Choose a new password")
			form.see(who.Address)
			form.looksRight(options == nil)
			form.choosePassword(newPassword, newPassword)
			form.heading("Your password was changed")
			if cookies := form.cookies(); cookies != "" {
				t.Errorf("cookies after a reset: %s", cookies)
			}
			form.click("Sign in")
			form.signIn(who.Address, newPassword)
			form.heading("Welcome back")
			form.see(who.Address)
			if cookies := form.cookies(); cookies != "sid" {
				t.Errorf("cookies when signed in: %s", cookies)
			}
			waitFor(t, shared, who, statemachine.StateCompleted)
		})
	}
}

// looksRight checks the form for a new password, and its script's additions.
//
// security 12, 16.
func (b *tab) looksRight(scripts bool) {
	b.t.Helper()
	for _, label := range []string{"New password", "New password again"} {
		if got := ask(b, chromedp.AttributeValue(field(label), "autocomplete")).Value; got != "new-password" {
			b.t.Errorf("autocomplete of %q is %q", label, got)
		}
	}
	const box = "//label[normalize-space()='Show the password']"
	at := ask(b, chromedp.Location())
	if !scripts {
		b.do("hide what does not work", chromedp.WaitNotVisible(box))
		if !resetLink.MatchString(at) {
			b.t.Errorf("a script has changed the address bar to %s", at)
		}
		return
	}
	if resetLink.MatchString(at) {
		b.t.Errorf("the token is in the address bar: %s", at)
	}
	for _, kind := range []string{"text", "password"} {
		b.click("Show the password")
		for _, label := range []string{"New password", "New password again"} {
			if got := ask(b, chromedp.AttributeValue(field(label), "type")).Value; got != kind {
				b.t.Errorf("the type of %q is %q, want %q", label, got, kind)
			}
		}
	}
}

// security 8: a password that is refused says why, and the link goes on working; so does
// one with a mistake in it.
func TestRefusedPasswordIsToldAndTheLinkStays(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	b := atSignIn(t, shared, withoutScripts) // a script would refuse the mistake itself
	b.askForLink(who.Address)
	token, _ := tokens(t, shared, who.Address, 1)
	b.visit(shared.URL + "/account/change-password/" + token)
	b.choosePassword("short", "short")
	b.see("at least 15")
	b.choosePassword("aaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaa")
	b.see("easy to guess")
	b.choosePassword(newPassword, otherPassword)
	b.see("The two passwords are not the same.")
	b.choosePassword(newPassword, newPassword)
	b.heading("Your password was changed")
}

// The script reports two passwords that differ before they are sent.
func TestScriptComparesThePasswords(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	b := atSignIn(t, shared)
	b.askForLink(who.Address)
	token, _ := tokens(t, shared, who.Address, 1)
	b.visit(shared.URL + "/account/change-password/" + token)
	b.choosePassword(newPassword, otherPassword)
	told := ask(b, chromedp.JavascriptAttribute[string](field("New password again"), "validationMessage"))
	if told != "The two passwords are not the same." {
		t.Errorf("told: %q", told)
	}
	if code := signIn(t, shared, who.Address, demo.Password); code != 200 {
		t.Errorf("sign-in with the old password: %d", code)
	}
}

// A person with the link in two tabs uses it in one.
func TestUsedLinkPage(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	b := atSignIn(t, shared)
	b.askForLink(who.Address)
	mail := b.openMail(shared, who.Address, 1)
	first := b.newTab(func() { mail.click("Choose a new password") })
	second := b.newTab(func() { mail.click("Choose a new password") })
	first.choosePassword(newPassword, newPassword)
	first.heading("Your password was changed")
	second.choosePassword(otherPassword, otherPassword)
	second.heading("This link was already used")
	second.click("Get a new link")
	second.heading("Reset your password")

	third := b.newTab(func() { mail.click("Choose a new password") })
	third.heading("Your password was changed")
	third.see("The links of this reset no longer work.")
}

func TestExpiredLinkPage(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	s := start(t, func(c *stack.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	who := newPerson(t, s, nil)
	b := atSignIn(t, s)
	b.askForLink(who.Address)
	mail := b.openMail(s, who.Address, 1)
	ahead.Store(int64(32 * time.Minute))
	form := b.newTab(func() { mail.click("Choose a new password") })
	form.heading("This link has expired")
	form.click("Get a new link")
	form.heading("Reset your password")
}

func TestCancelPage(t *testing.T) {
	t.Parallel()
	who := newPerson(t, shared, nil)
	b := atSignIn(t, shared)
	b.askForLink(who.Address)
	mail := b.openMail(shared, who.Address, 1)
	notMe := b.newTab(func() { mail.click("this wasn’t me") })
	notMe.heading("Cancel the password reset?")
	if at := ask(notMe, chromedp.Location()); cancelLink.MatchString(at) {
		t.Errorf("the token is in the address bar: %s", at)
	}
	notMe.click("Cancel the reset")
	notMe.heading("The reset was canceled")
	late := b.newTab(func() { mail.click("Choose a new password") })
	late.heading("This reset was canceled")
	waitFor(t, shared, who, statemachine.StateCanceled)
}

// With the feature flag off, nothing leads to a reset.
func TestSignInPageWithoutReset(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *stack.Config) { c.ResetPassword = false })
	b := atSignIn(t, s)
	if text := b.text(); strings.Contains(text, "Forgot") {
		t.Errorf("the page says\n%s", text)
	}
}
