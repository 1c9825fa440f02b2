package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/dev/stack"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/workflow"
)

// The pictures in docs/screenshots are taken by
//
//	go test ./dev/e2e -run "Screenshots|TemporalUI" -shots
var shots = flag.Bool("shots", false, "take the pictures in docs/screenshots anew")

// screen is a size in CSS pixels.
type screen struct {
	name          string
	width, height int64
}

// picture shows the page on a desktop and a phone. It must fit both: a reader who has to scroll
// sideways misses half of a page. With -shots the pictures are kept.
func (b *tab) picture(name string) {
	b.t.Helper()
	for _, on := range []screen{{"", 1280, 800}, {"-phone", 390, 844}} {
		b.do("resize", chromedp.EmulateViewport(on.width, on.height))
		if wide := ask(b, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); wide > on.width {
			b.t.Errorf("%s is %d pixels wide on a screen of %d", name, wide, on.width)
		}
		b.keep(name + on.name)
	}
	b.do("resize", chromedp.EmulateViewport(1280, 800))
}

// keep writes a picture of the tab, with -shots.
func (b *tab) keep(name string) {
	b.t.Helper()
	if !*shots {
		return
	}
	file := filepath.Join("..", "..", "docs", "screenshots", name+".png")
	if err := os.WriteFile(file, ask(b, chromedp.CaptureScreenshot()), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// Every page of a reset, in the order in which a person sees them.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	if !*shots {
		suite.Long(t)
	}
	var ahead atomic.Int64
	s := start(t, func(c *stack.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	if err := demo.Seed(t.Context(), s.Store, 0); err != nil {
		t.Fatal(err)
	}
	alice, bob := demo.People()[0].Address, demo.People()[1].Address
	b := atSignIn(t, s)
	b.picture("login")
	b.click("Forgot your password?")
	b.heading("Reset your password")
	b.picture("forgot")
	b.fill("Email address", alice)
	b.click("Send the link")
	b.heading("Check your email")
	b.picture("sent")
	mail := b.openMail(s, alice, 1)
	mail.see("Choose a new password")
	b.picture("mail")

	form := b.newTab(func() { mail.click("Choose a new password") })
	form.heading("Choose a new password")
	form.picture("change-password")
	again := b.newTab(func() { mail.click("Choose a new password") })
	form.choosePassword("alicealicealice", "alicealicealice")
	form.see("easy to guess")
	form.picture("weak-password")
	form.choosePassword(newPassword, newPassword)
	form.heading("Your password was changed")
	form.picture("changed")
	again.choosePassword(otherPassword, otherPassword)
	again.heading("This link was already used")
	again.picture("link-used")
	form.click("Sign in")
	form.signIn(alice, newPassword)
	form.heading("Welcome back")
	form.picture("signed-in")

	b.visit(s.URL + "/login")
	b.askForLink(bob)
	mail = b.openMail(s, bob, 1)
	ahead.Store(int64(32 * time.Minute))
	expired := b.newTab(func() { mail.click("Choose a new password") })
	expired.heading("This link has expired")
	expired.picture("link-expired")
	late := b.newTab(func() { mail.click("this wasn’t me") })
	late.heading("Cancel the password reset?")
	late.picture("cancel")
	late.click("Cancel the reset")
	late.heading("The reset was canceled")
	late.picture("canceled")
	ahead.Store(0)
	erin := account.Account{ID: "erin", Address: "erin@example.com", Resettable: true}
	if err := s.Store.Put(t.Context(), erin); err != nil {
		t.Fatal(err)
	}
	demand(t, s, workflow.Invite, erin.Address, "Alice Example")
	mail = b.openMail(s, erin.Address, 1)
	b.picture("invitation-mail")
	guest := b.newTab(func() { mail.click("Set your password") })
	guest.heading("Choose your first password")
	guest.picture("invitation")
	demand(t, s, workflow.ForceReset, alice, "A copy of our password hashes was stolen.")
	mail = b.openMail(s, alice, 3)
	b.picture("forced-mail")
	owner := b.newTab(func() { mail.click("Choose a new password") })
	owner.heading("Choose a new password")
	owner.picture("forced")
}

// demand begins a run as a backend does.
func demand(t *testing.T, s *stack.Stack, d flow.Definition, address, note string) {
	t.Helper()
	if err := s.Starter.Of(d, 72*time.Hour).Demand(t.Context(), address, "backend token 1", note); err != nil {
		t.Fatal(err)
	}
}
