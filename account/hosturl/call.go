package hosturl

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
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
	callWait   = 10 * time.Second // for one request, with its body
	dialWait   = 5 * time.Second
	maxBody    = 1 << 20 // bytes of an answer
	keptIdle   = 16      // connections
	idleExpiry = time.Minute
)

// Errors of [Open].
var (
	// ErrURL means that the URL is none, or holds more than scheme, host and path.
	ErrURL = errors.New("want a URL such as https://app.example.com/rekey, without user, query or fragment")
	// ErrClear means that password hashes would travel in clear.
	ErrClear = errors.New("beyond this machine the URL must begin with https://")
)

// Open returns the host at a URL. Secrets are those of its signatures, one a line: whsec_ and 24 to
// 64 bytes in base64 (Standard Webhooks, "Signature scheme"). It sends no request. Errors: ErrURL,
// ErrClear, ErrSecret.
func Open(address, secrets string) (*Host, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, ErrURL
	}
	if u.Scheme == "http" && !loopback.Is(u.Host) {
		return nil, ErrClear
	}
	keys, err := parseSecrets(secrets)
	if err != nil {
		return nil, err
	}
	return &Host{url: strings.TrimSuffix(u.String(), "/"), secrets: keys, client: newClient(), now: time.Now}, nil
}

// newClient follows no redirect: a signed request is for its own address.
func newClient() *http.Client {
	dialer := &net.Dialer{Timeout: dialWait}
	return &http.Client{
		Timeout:       callWait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialWait, MaxIdleConnsPerHost: keptIdle, IdleConnTimeout: idleExpiry,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// Close closes idle connections.
func (h *Host) Close() { h.client.CloseIdleConnections() }

// call sends a request and decodes the body of a 200 into result, unless that is nil.
func (h *Host) call(ctx context.Context, request string, body any, result any) (answer, error) {
	if err := ctx.Err(); err != nil {
		return answer{}, err
	}
	b, err := json.Marshal(body)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/"+request, bytes.NewReader(b))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "rekey")
	sign(r.Header, h.secrets, rand.Text(), h.now(), cmp.Or(h.signed, string(b)))
	status, err := h.send(r, result)
	if err != nil {
		return answer{}, fault(request, withoutURL(ctx, err))
	}
	return status, nil
}

func (h *Host) send(r *http.Request, result any) (answer, error) {
	resp, err := h.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return answer{}, err
	case len(body) > maxBody:
		return answer{}, fmt.Errorf("it answered with more than %d bytes", maxBody)
	}
	a := answer{code: resp.StatusCode}
	if a.code == http.StatusForbidden {
		a.reason = reasonOf(body)
	}
	if a.code == http.StatusOK && result != nil && json.Unmarshal(body, result) != nil {
		return answer{}, errors.New("it answered 200 with a body that does not fit the contract") // and does not quote it
	}
	return a, nil
}

// withoutURL is the cause of a failed request. The end of the caller's context is not the fault of
// the application.
func withoutURL(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		if failed.Timeout() {
			return fmt.Errorf("no answer within %s", callWait)
		}
		return failed.Err
	}
	return err
}

// validID reports whether a ledger can keep an ID.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && utf8.ValidString(id) && !strings.ContainsRune(id, 0)
}
