package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	historypb "go.temporal.io/api/history/v1"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/workflow"
)

const (
	newPassword   = "nine lanterns over the bay"
	otherPassword = "four herons on a cold pier"
)

// owner is whom a story is about, and what they do.
type owner struct {
	*lab
	who      account.Account
	workflow string // workflow ID
}

func (l *lab) owner(who account.Account) (*owner, error) {
	accounts, err := l.Keys.AccountKeys()
	if err != nil {
		return nil, err
	}
	return &owner{l, who, workflow.ID(accounts.Key(who.Address))}, nil
}

// answer is what a JSON route says.
type answer struct {
	HTTP         int `json:"-"`
	Status, Code string
}

func (o *owner) post(ctx context.Context, path string, body map[string]string) (a answer, err error) {
	sent, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL+path, bytes.NewReader(sent))
	if err != nil {
		return a, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return a, err
	}
	a.HTTP, err = resp.StatusCode, json.NewDecoder(resp.Body).Decode(&a)
	return a, errors.Join(err, resp.Body.Close())
}

// ask asks for a link.
func (o *owner) ask(ctx context.Context) error {
	a, err := o.post(ctx, "/account/forgot_password", map[string]string{"email": o.who.Address})
	return expect(a, "", err)
}

// submits is a submission that is okay.
func (o *owner) submits(token string) step {
	return func(ctx context.Context) error { return o.submit(ctx, token, newPassword, "") }
}

// submit uses a link with a password and wants to hear a code, or "" for okay.
func (o *owner) submit(ctx context.Context, token, password, code string) error {
	for {
		a, err := o.post(ctx, "/account/reset_password", map[string]string{"token": token, "password": password})
		// Until a worker is there, and a wait that a stranger has used is armed again.
		if err == nil && (a.HTTP == http.StatusAccepted || a.HTTP == http.StatusServiceUnavailable) {
			continue
		}
		return expect(a, code, err)
	}
}

func expect(a answer, code string, err error) error {
	if err == nil && (a.Code != code || code == "" && a.HTTP != http.StatusOK) {
		err = fmt.Errorf("the answer is %+v, want %q", a, code)
	}
	return err
}

// token waits for the n-th mail and takes the token of its link to a page.
func (o *owner) token(ctx context.Context, n int, page string) (string, error) {
	mails, err := o.Mail.Wait(ctx, o.who.Address, n)
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile("/account/" + page + "/([A-Za-z0-9_-]+)").FindStringSubmatch(mails[n-1].Text)
	if found == nil {
		return "", fmt.Errorf("mail %d has no link to the page %s", n, page)
	}
	return found[1], nil
}

const (
	changePage = "change-password"
	cancelPage = "cancel-reset"
)

// link waits for the n-th link mail to arrive and to be known to the run.
func (o *owner) link(ctx context.Context, n int) (string, error) { return o.linkOf(ctx, n, n) }

// linkOf is link for the n-th mail that is the newest run's link mail of a number.
func (o *owner) linkOf(ctx context.Context, n, number int) (string, error) {
	token, err := o.token(ctx, n, changePage)
	if err != nil {
		return "", err
	}
	return token, o.until(ctx, func(h *historypb.History) bool { return count(h, timerStarted) >= number })
}

// step is something that somebody does or waits for.
type step func(context.Context) error

// inOrder takes steps until one fails.
func inOrder(ctx context.Context, steps ...step) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hold lets the mail server keep the next mail to the owner without a word, until it is
// released; then it answers this. What comes after that it takes.
func (o *owner) hold(answer error) (came <-chan struct{}, release func()) {
	arrived, released := make(chan struct{}), make(chan struct{})
	var taken atomic.Bool
	o.fail(o.who.Address, func(inbox.Message) error {
		if taken.Swap(true) {
			return nil
		}
		close(arrived)
		<-released
		return answer
	})
	return arrived, sync.OnceFunc(func() { close(released) })
}

// await waits for an event.
func await(event <-chan struct{}, what string) step {
	return func(ctx context.Context) error {
		select {
		case <-event:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
}

// pause is how long until Temporal is asked again.
const pause = 100 * time.Millisecond
