package deploy

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/dev/process"
)

const chose = "plum velvet thirty gulls"

var link = regexp.MustCompile(`/account/change-password/([\w-]+)`)

// ask requests a mail for an address, its first one, and returns the token of its link.
func ask(t *testing.T, starter, address string, mails *inbox.Inbox) (token string) {
	t.Helper()
	if status, body := send(t, http.MethodPost, starter+"/account/forgot_password", nil, `{"email":"`+address+`"}`); status != http.StatusOK {
		t.Fatalf("forgot password: %d %s", status, body)
	}
	got, err := mails.Wait(t.Context(), address, 1)
	if err != nil {
		t.Fatal(err)
	}
	found := link.FindStringSubmatch(got[0].Text)
	if found == nil {
		t.Fatalf("no link in the mail:\n%s", got[0].Text)
	}
	return found[1]
}

// choose takes a new password through a link until it is changed, also while parts are down.
func choose(t *testing.T, starter, token string) {
	t.Helper()
	process.Succeeds(t, patience, "the password is changed", func() error {
		status, body := send(t, http.MethodPost, starter+"/account/reset_password/"+token, nil, `{"password":"`+chose+`"}`)
		if status != http.StatusOK {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
}

// send is one request; status 0 is none.
func send(t *testing.T, method, url string, header http.Header, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header.Clone()
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(got)
}
