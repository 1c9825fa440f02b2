package hosturl

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rekeyhq/rekey/internal/webhook"
)

const (
	callWait = 5 * time.Second // for one request, with its body; a change takes three
	maxBody  = 1 << 20         // bytes of an answer
)

// Errors of [Open] and [OpenReceiver].
var (
	// ErrURL means that the URL is none, or holds more than scheme, host and path.
	ErrURL = webhook.ErrURL
	// ErrClear means that password hashes, or IDs of accounts, would travel in clear.
	ErrClear = webhook.ErrClear
	// ErrSecret means that a secret cannot be used.
	ErrSecret = webhook.ErrSecret
)

// Open returns the host at a URL. Secrets are those of its signatures, one a line: whsec_ and 24 to
// 64 bytes in base64 (Standard Webhooks, "Signature scheme"). It sends no request. Errors: ErrURL,
// ErrClear, ErrSecret.
func Open(address, secrets string) (*Host, error) {
	u, keys, err := webhook.Parse(address, secrets)
	if err != nil {
		return nil, err
	}
	return &Host{url: strings.TrimSuffix(u, "/"), secrets: keys, client: webhook.NewClient(callWait), now: time.Now}, nil
}

// Close closes idle connections.
func (h *Host) Close() { h.client.CloseIdleConnections() }

// call sends a request and decodes the body of a 200 into result, unless that is nil. Errors are the
// application's decisions, faults that quote nothing of it, or the end of ctx.
func (h *Host) call(ctx context.Context, request string, body any, result any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := webhook.NewRequest(ctx, h.url+"/"+request, b)
	if err != nil {
		return err
	}
	h.secrets.Sign(r.Header, rand.Text(), h.now(), cmp.Or(h.signed, string(b)))
	resp, err := h.client.Do(r)
	if err != nil {
		return webhook.Broken(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return webhook.Broken(ctx, err)
	case len(answer) > maxBody:
		return fmt.Errorf("it answered with more than %d bytes", maxBody)
	case resp.StatusCode != http.StatusOK:
		return decision(request, resp.StatusCode, answer)
	case result != nil && json.Unmarshal(answer, result) != nil:
		return errContract
	}
	return nil
}

// validID reports whether a ledger can keep an ID.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && utf8.ValidString(id) && !strings.ContainsRune(id, 0)
}
