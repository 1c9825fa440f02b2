package breached

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the corpus is made of SHA-1; nothing here relies on its strength
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	prefixDigits = 5 // of a hash, in upper case: all that leaves
	suffixDigits = 2*sha1.Size - prefixDigits

	// userAgent is required by the API and holds no version.
	userAgent = "rekey-password-reset"
	// maxAnswer is more than ten times the size of a range.
	maxAnswer = 1 << 20
	// maxLine is more than a line has: 35 digits, a colon, a count.
	maxLine = 128
	// maxHeaders bounds the headers of an answer.
	maxHeaders = 64 << 10
	// idleConns are kept open to a server that speaks no HTTP/2; all checks share one
	// connection to others.
	idleConns = 16
	idleTime  = 30 * time.Second
)

// errUnusable is an answer that no range server gives, or none at all.
var errUnusable = errors.New("no usable answer")

// newHTTP is a client of its own, not the process's default: hooks of that one, tracing for
// instance, would see the prefix. It follows no redirect, not even on the same host: its target
// would learn the prefix too.
func newHTTP(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment,
			// Connecting goes on after the check that began it has given up.
			DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
			TLSHandshakeTimeout:    timeout,
			ForceAttemptHTTP2:      true,
			HTTP2:                  &http.HTTP2Config{SendPingTimeout: timeout, PingTimeout: timeout}, // a dead connection would stay for minutes
			MaxIdleConnsPerHost:    idleConns,
			IdleConnTimeout:        idleTime,
			MaxResponseHeaderBytes: maxHeaders,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// knows fetches the range of a password and looks for the password in it.
func (c *Corpus) knows(ctx context.Context, pw string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	sum := sha1.Sum([]byte(pw)) //nolint:gosec // see the import
	body, err := c.ask(ctx, prefix(sum))
	if err != nil {
		return false, err
	}
	defer func() { _ = body.Close() }()
	found, err := scan(body, sum)
	if err != nil {
		return false, cause(ctx, err)
	}
	return found, nil
}

// ask returns the range of a prefix. There is no second try: the time of a check is short, and
// a person can retry.
func (c *Corpus) ask(ctx context.Context, prefix string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ranges.JoinPath(prefix).String(), nil)
	if err != nil {
		return nil, errAddress
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Add-Padding", "true")
	answer, err := c.http.Do(req)
	if err != nil {
		return nil, cause(ctx, err)
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("status %d", answer.StatusCode)
	}
	return http.MaxBytesReader(nil, answer.Body, maxAnswer), nil
}

// prefix is all of a hash that leaves.
func prefix(sum [sha1.Size]byte) string { return fmt.Sprintf("%X", sum)[:prefixDigits] }

// scan looks for a hash in a range, line by line, without keeping it. It reads all of it, so
// that neither the time nor a broken connection reveals the result. A malformed line rejects
// the whole.
func scan(body io.Reader, sum [sha1.Size]byte) (bool, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	found, empty, own := false, true, []byte(prefix(sum))
	for lines.Scan() {
		hash, count, err := parse(own, lines.Bytes())
		if err != nil {
			return false, err
		}
		same := subtle.ConstantTimeCompare(hash[:], sum[:]) == 1
		found, empty = found || same && count > 0, false // padding has the count 0
	}
	if err := lines.Err(); err != nil {
		return false, err
	}
	if empty { // the corpus has hashes in every range
		return false, errUnusable
	}
	return found, nil
}

// parse reads a line of a range: the digits that the prefix lacks, a colon, a count.
func parse(prefix, line []byte) (hash [sha1.Size]byte, count uint64, err error) {
	suffix, occurrences, _ := bytes.Cut(line, []byte(":"))
	if len(suffix) != suffixDigits {
		return hash, 0, errUnusable
	}
	var digits [2 * sha1.Size]byte
	copy(digits[copy(digits[:], prefix):], suffix)
	_, hexErr := hex.Decode(hash[:], digits[:])
	count, countErr := strconv.ParseUint(string(occurrences), 10, 64)
	if hexErr != nil || countErr != nil {
		return hash, 0, errUnusable
	}
	return hash, count, nil
}

// cause is the part of a failed call that may be shown. The errors of net/http name the URL,
// which ends in the prefix, and quote the server, which knows it. Only errors about the way to
// the server pass.
func cause(ctx context.Context, err error) error {
	if over := ctx.Err(); over != nil {
		return over
	}
	if way, ok := errors.AsType[*net.OpError](err); ok {
		return way
	}
	if identity, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return identity
	}
	return errUnusable
}
