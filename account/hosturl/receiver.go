package hosturl

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/internal/webhook"
)

const (
	eventWait = 10 * time.Second // for the answer to an event
	// keptBody is how much of an answer is read, so that the connection can be used again.
	keptBody = 16 << 10
)

// Receiver is an [account.Receiver] behind a URL. An event is a signed POST request to it (Standard
// Webhooks). It is received when the answer is 2xx, whose body is not read. 410 is
// account.ErrNoMoreEvents. Each other answer is an error, redirects too.
type Receiver struct {
	url     string
	secrets webhook.Secrets
	client  *http.Client
	now     func() time.Time
}

var _ account.Receiver = (*Receiver)(nil)

// OpenReceiver returns the receiver at a URL, with the secrets of [Open]. It sends no request.
// Errors: ErrURL, ErrClear, ErrSecret.
func OpenReceiver(address, secrets string) (*Receiver, error) {
	u, keys, err := webhook.Parse(address, secrets)
	if err != nil {
		return nil, err
	}
	return &Receiver{url: u, secrets: keys, client: webhook.NewClient(eventWait), now: time.Now}, nil
}

// Close closes idle connections.
func (r *Receiver) Close() { r.client.CloseIdleConnections() }

// Receive implements [account.Receiver]. No text of an answer is in its errors.
func (r *Receiver) Receive(ctx context.Context, id string, event []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	request, err := webhook.NewRequest(ctx, r.url, event)
	if err != nil {
		return err
	}
	r.secrets.Sign(request.Header, id, r.now(), string(event))
	resp, err := r.client.Do(request)
	if err != nil {
		return fmt.Errorf("the application at the events' URL: %w", webhook.Broken(ctx, err))
	}
	defer func() { _ = resp.Body.Close() }()
	switch status := resp.StatusCode; {
	case status == http.StatusGone:
		return account.ErrNoMoreEvents
	case status < 200 || status > 299:
		return fmt.Errorf("the application at the events' URL answered %d", status)
	}
	_, _ = io.CopyN(io.Discard, resp.Body, keptBody) // the event is received, however the body ends
	return nil
}
