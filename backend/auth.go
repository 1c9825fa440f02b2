package backend

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/rekeyhq/rekey/internal/bearer"
)

// errUnauthorized is one answer for all that may be wrong; the log tells which.
var errUnauthorized = errors.New("the caller is not authenticated")

// Tokens are bearers. Only their digests are kept, and all of them are compared, in constant time.
type Tokens = bearer.Secrets

// MinToken is the least number of characters of a token.
const MinToken = bearer.MinLength

// ParseTokens returns the tokens of a file, one a line. While one is exchanged there are two. An
// error names the line: a token is missing, too short, or has characters that no bearer has.
func ParseTokens(file string) (Tokens, error) { return bearer.Lines(file) }

type callerKey struct{}

// Caller names the backend that sent a request: by the number of its line in the file of tokens,
// or by its client certificate. It is "" outside of a [Flows].
func Caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

// authenticate names the sender of a request that proves it in each way that is configured.
func (c Config) authenticate(r *http.Request) (caller string, err error) {
	var names []string
	if c.Certificates {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			return "", fmt.Errorf("%w: no client certificate", errUnauthorized)
		}
		names = append(names, nameOf(r.TLS.VerifiedChains[0][0]))
	}
	if len(c.Tokens) > 0 {
		number := c.Tokens.Presented(r)
		if number == 0 {
			return "", fmt.Errorf("%w: no bearer of the file", errUnauthorized)
		}
		names = append(names, fmt.Sprintf("token %d", number))
	}
	return strings.Join(names, ", "), nil
}

// nameOf is the name in a certificate, as its authority has written it: the subject's, or the first
// one that others check, or its number.
func nameOf(c *x509.Certificate) string {
	dns, uri := "", ""
	if len(c.DNSNames) > 0 {
		dns = c.DNSNames[0]
	}
	if len(c.URIs) > 0 {
		uri = c.URIs[0].String()
	}
	return cmp.Or(c.Subject.CommonName, dns, uri, "certificate "+c.SerialNumber.String())
}
