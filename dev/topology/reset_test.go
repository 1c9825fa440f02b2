package topology

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/dev/process"
	"github.com/rekeyhq/rekey/dev/site"
)

const (
	newPassword   = "nine lanterns over the bay"
	otherPassword = "four herons on a cold pier"
)

// patience is how long anything is waited for. A worker that is killed while it works is
// noticed after 15 seconds, and a mail can lose two workers and the database.
const patience = 3 * time.Minute

// each does something for everybody, so many at a time, until the test ends.
func each(t *testing.T, people []*person, atOnce int, do func(*person)) {
	t.Helper()
	var all errgroup.Group
	all.SetLimit(atOnce)
	for _, p := range people {
		all.Go(func() error {
			if t.Context().Err() == nil {
				do(p)
			}
			return nil
		})
	}
	_ = all.Wait() // nobody returns an error
}

// reset is what a person does: asks for a link, opens the first mail, sends the password
// and looks at the page until it says that it is changed. What was accepted is never
// asked for again.
func (f *fleet) reset(t *testing.T, p *person) {
	t.Helper()
	f.accepted(t, "/account/forgot_password", map[string]string{"email": p.Address})
	token := f.Token(t, p.Account, 1)
	a := f.accepted(t, "/account/reset_password/"+token, map[string]string{"password": newPassword})
	if a.HTTP == http.StatusAccepted {
		process.Eventually(t, patience, "the change of "+p.ID, func() bool { return f.look(token).State == "changed" })
	}
}

// accepted sends a request until it is accepted, as a person does who is told to try
// again, or is told nothing.
func (f *fleet) accepted(t *testing.T, path string, body map[string]string) (a site.Answer) {
	t.Helper()
	process.Eventually(t, patience, path, func() bool {
		var err error
		a, err = f.Try(path, body)
		switch {
		case err != nil, a.HTTP == http.StatusServiceUnavailable, a.HTTP == http.StatusBadGateway:
			return false
		case a.HTTP != http.StatusOK && a.HTTP != http.StatusAccepted:
			t.Fatalf("%s: %+v", path, a)
		}
		return true
	})
	return a
}

// look asks for the state of a link. While nobody answers there is none.
func (f *fleet) look(token string) (a site.Answer) {
	resp, err := http.Get(f.URL + "/account/reset_password/" + token)
	if err != nil {
		return a
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return site.Answer{}
	}
	return a
}
