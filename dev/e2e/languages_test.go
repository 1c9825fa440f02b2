package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/rekeyhq/rekey/internal/testkit/suite"
	"github.com/rekeyhq/rekey/messages"
)

// Each language fits a screen of 320 CSS pixels (WCAG 2.2, 1.4.10), and says so to the browser.
func TestLanguagesFit(t *testing.T) {
	t.Parallel()
	suite.Long(t)
	s := start(t, nil)
	b := atSignIn(t, s)
	b.do("resize", chromedp.EmulateViewport(320, 568))
	for _, l := range messages.BuiltIn().Languages() {
		for _, page := range []string{
			"forgot-password", "link-sent", "change-password", "change-password/none", "cancel-reset", "cancel-reset/none", "password-changed",
			"accept-invitation", "accept-invitation/none", "decline-invitation/none", "renew-password/none", "no-such-page",
		} {
			b.visit(s.URL + "/account/" + page + "?locale=" + l.Tag())
			if wide := ask(b, chromedp.Evaluate[int64]("document.documentElement.scrollWidth")); wide > 320 {
				t.Errorf("%s in %s is %d pixels wide on a screen of 320", page, l.Tag(), wide)
			}
			if got := ask(b, chromedp.Evaluate[string]("document.documentElement.lang + ' ' + getComputedStyle(document.body).direction")); got != l.Tag()+" "+l.Dir() {
				t.Errorf("%s in %s: the browser reads %s", page, l.Tag(), got)
			}
		}
	}
}
