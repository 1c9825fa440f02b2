package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/stack"
)

// security 3: with an empty budget, the page of a real browser proves its work and gets its
// mail, under the content policy. Without scripts its text stays the same.
func TestPuzzleInABrowser(t *testing.T) {
	t.Parallel()
	now := time.Now() // stands still, so that the budget is not refilled
	s := start(t, func(c *stack.Config) {
		c.StartLimit = 1
		c.Now = func() time.Time { return now }
	})
	ann := newPerson(t, s, nil)
	for n := 0; ; n++ {
		form := url.Values{"email": {fmt.Sprintf("nobody%d@example.com", n)}}
		answer, err := http.PostForm(s.URL+"/account/forgot_password", form)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusServiceUnavailable {
			break
		}
	}
	plain := browse(t, []string{s.URL}, withoutScripts)
	ask := func(b *tab) {
		b.visit(s.URL + "/account/forgot-password")
		b.fill("Email address", ann.Address)
		b.click("Send the link")
	}
	ask(plain)
	plain.see("Too many people are requesting links right now.")

	b := browse(t, []string{s.URL})
	ask(b)
	b.keep("solving")
	b.heading("Check your email")
	tokens(t, s, ann.Address, 1)
}
