package flood

import (
	"context"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/stack"
)

// patience is how long a test waits for an event.
const patience = 60 * time.Second

var resetLink = regexp.MustCompile(`/account/change-password/([A-Za-z0-9_-]+)`)

// mailed waits for the first mail to an address and returns the text of all there are.
func mailed(t *testing.T, s *stack.Stack, address string) (texts []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mails, err := s.Mail.Wait(ctx, address, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mails {
		texts = append(texts, m.Text)
	}
	return texts
}

// resets uses the link of a mail.
func resets(t *testing.T, s *stack.Stack, mail string) {
	t.Helper()
	found := resetLink.FindStringSubmatch(mail)
	if found == nil {
		t.Fatalf("no link in the mail:\n%s", mail)
	}
	body := map[string]string{"token": found[1], "password": "plum velvet thirty gulls"}
	if code := insist(t, s.URL+"/account/reset_password", body); code != http.StatusOK {
		t.Errorf("reset: %d", code)
	}
}

// insist repeats a request until it has effect.
func insist(t *testing.T, url string, body map[string]string) (code int) {
	t.Helper()
	process.Eventually(t, patience, url, func() bool {
		code = post(t, http.DefaultClient, url, "10.2.0.1", body)
		return code != http.StatusAccepted && code != http.StatusServiceUnavailable
	})
	return code
}
