package topology

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rekeyhq/rekey/dev/site"
)

const (
	newPassword   = "nine lanterns over the bay"
	otherPassword = "four herons on a cold pier"
)

// patience is how long anything is waited for. A worker that is killed while it works is
// noticed after 15 seconds, and a mail can lose two workers and the database.
const patience = 3 * time.Minute

// each runs a function for all people, so many at a time, until it fails or the test ends.
func each(t *testing.T, people []*person, atOnce int, do func(context.Context, *person) error) error {
	t.Helper()
	all, ctx := errgroup.WithContext(t.Context())
	all.SetLimit(atOnce)
	for _, p := range people {
		all.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do(ctx, p); err != nil {
				return fmt.Errorf("%s: %w", p.ID, err)
			}
			return nil
		})
	}
	return all.Wait()
}

// reset acts as a person. It requests a link, opens the first mail, sends the password and
// loads the page until that is changed. An accepted request is never repeated.
func (f *fleet) reset(ctx context.Context, p *person) error {
	if _, err := f.accepted(ctx, "/account/forgot_password", map[string]string{"email": p.Address}); err != nil {
		return err
	}
	token, err := f.token(ctx, p)
	if err != nil {
		return err
	}
	a, err := f.accepted(ctx, "/account/reset_password/"+token, map[string]string{"password": newPassword})
	if err == nil && a.HTTP == http.StatusAccepted {
		err = eventually(ctx, "the change", func() (bool, error) { return f.look(token).State == "changed", nil })
	}
	return err
}

// token waits for the first mail to a person.
func (f *fleet) token(ctx context.Context, p *person) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	mails, err := f.Mail.Wait(ctx, p.Address, 1)
	if err != nil {
		return "", err
	}
	found := site.ResetLink.FindStringSubmatch(mails[0].Text)
	if found == nil {
		return "", fmt.Errorf("no link in the mail:\n%s", mails[0].Text)
	}
	return found[1], nil
}

// accepted sends a request until it is accepted, as a person does after a 503 or no answer.
func (f *fleet) accepted(ctx context.Context, path string, body map[string]string) (a site.Answer, err error) {
	err = eventually(ctx, path, func() (bool, error) {
		a, _ = f.Try(path, body)
		switch a.HTTP {
		case 0, http.StatusServiceUnavailable, http.StatusBadGateway: // 0 is no answer
			return false, nil
		case http.StatusOK, http.StatusAccepted:
			return true, nil
		}
		return false, fmt.Errorf("%s: %+v", path, a)
	})
	return a, err
}

// eventually retries until it is so. Unlike process.Eventually it may run beside the test,
// where nothing can end that.
func eventually(ctx context.Context, what string, ask func() (bool, error)) error {
	again, late := time.NewTicker(100*time.Millisecond), time.After(patience)
	defer again.Stop()
	for {
		if so, err := ask(); so || err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-late:
			return fmt.Errorf("%s: not in %s", what, patience)
		}
	}
}

// look requests the state of a link. Without an answer there is none.
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
