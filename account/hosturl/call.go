package hosturl

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rekeyhq/rekey/internal/loopback"
)

const (
	callWait   = 5 * time.Second // for one request, with its body; a change takes three
	dialWait   = 3 * time.Second
	maxBody    = 1 << 20 // bytes of an answer
	keptIdle   = 16      // connections
	idleExpiry = time.Minute
)

// Errors of [Open] and [OpenReceiver].
var (
	// ErrURL means that the URL is none, or holds more than scheme, host and path.
	ErrURL = errors.New("want a URL such as https://app.example.com/rekey, without user, query or fragment")
	// ErrClear means that password hashes, or IDs of accounts, would travel in clear.
	ErrClear = errors.New("beyond this machine the URL must begin with https://")
)

// Open returns the host at a URL. Secrets are those of its signatures, one a line: whsec_ and 24 to
// 64 bytes in base64 (Standard Webhooks, "Signature scheme"). It sends no request. Errors: ErrURL,
// ErrClear, ErrSecret.
func Open(address, secrets string) (*Host, error) {
	u, keys, err := parse(address, secrets)
	if err != nil {
		return nil, err
	}
	return &Host{url: strings.TrimSuffix(u, "/"), secrets: keys, client: newClient(callWait), now: time.Now}, nil
}

// parse judges a URL and the secrets of its signatures.
func parse(address, secrets string) (string, []secret, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", nil, ErrURL
	}
	if u.Scheme == "http" && !loopback.Is(u.Host) {
		return "", nil, ErrClear
	}
	keys, err := parseSecrets(secrets)
	return u.String(), keys, err
}

// newClient follows no redirect: a signed request is for its own address. Its requests take no
// longer than wait, with their bodies.
func newClient(wait time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: dialWait}
	return &http.Client{
		Timeout:       wait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialWait, MaxIdleConnsPerHost: keptIdle, IdleConnTimeout: idleExpiry,
			MaxResponseHeaderBytes: 64 << 10,
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: callWait, PingTimeout: callWait}, // finds a dead connection
		},
	}
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
	r, err := newRequest(ctx, h.url+"/"+request, b)
	if err != nil {
		return err
	}
	sign(r.Header, h.secrets, rand.Text(), h.now(), cmp.Or(h.signed, string(b)))
	resp, err := h.client.Do(r)
	if err != nil {
		return broken(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return broken(ctx, err)
	case len(answer) > maxBody:
		return fmt.Errorf("it answered with more than %d bytes", maxBody)
	case resp.StatusCode != http.StatusOK:
		return decision(request, resp.StatusCode, answer)
	case result != nil && json.Unmarshal(answer, result) != nil:
		return errContract
	}
	return nil
}

// newRequest is one that is still to be signed.
func newRequest(ctx context.Context, address string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "rekey")
	return r, nil
}

// broken is the cause of a failed request. Texts of net/http are left out, because they may quote
// the answer.
func broken(ctx context.Context, err error) error {
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no answer in time")
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the answer was cut off")
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed
	}
	if failed, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return failed
	}
	return errors.New("the answer could not be read")
}

// validID reports whether a ledger can keep an ID.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && utf8.ValidString(id) && !strings.ContainsRune(id, 0)
}
