package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/rekeyhq/rekey/internal/loopback"
)

const (
	dialWait   = 3 * time.Second
	pingWait   = 5 * time.Second
	keptIdle   = 16 // connections
	idleExpiry = time.Minute
)

// Errors of [Parse], beside ErrSecret.
var (
	// ErrURL means that the URL is none, or holds more than scheme, host and path.
	ErrURL = errors.New("want a URL such as https://app.example.com/rekey, without user, query or fragment")
	// ErrClear means that password hashes, links, or IDs of accounts would travel in clear.
	ErrClear = errors.New("beyond this machine the URL must begin with https://")
)

// Parse judges a URL and the secrets of its signatures, one a line: whsec_ and 24 to 64 bytes in
// base64. Errors: ErrURL, ErrClear, ErrSecret.
func Parse(address, secrets string) (string, Secrets, error) {
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

// NewClient follows no redirect: a signed request is for its own address. Its requests take no
// longer than wait, with their bodies.
func NewClient(wait time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: dialWait}
	return &http.Client{
		Timeout:       wait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialWait, MaxIdleConnsPerHost: keptIdle, IdleConnTimeout: idleExpiry,
			MaxResponseHeaderBytes: 64 << 10,
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingWait, PingTimeout: pingWait}, // finds a dead connection
		},
	}
}

// NewRequest is one that is still to be signed.
func NewRequest(ctx context.Context, address string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "rekey")
	return r, nil
}

// Broken is the cause of a failed request. Texts of net/http are left out, because they may quote
// the answer.
func Broken(ctx context.Context, err error) error {
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
