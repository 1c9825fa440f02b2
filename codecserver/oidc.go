package codecserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/rekeyhq/rekey/internal/bearer"
	"github.com/rekeyhq/rekey/internal/loopback"
)

const (
	// fetchTimeout bounds one request to the issuer.
	fetchTimeout = 5 * time.Second
	// fetchPause is the minimum time between two fetches of the issuer's keys, if the first
	// one succeeded. Without it every forged access token would cost the issuer a request.
	fetchPause = 10 * time.Second
	// maxJWT is more than an access token has: longer ones do not fit into headers.
	maxJWT = 16 << 10
)

// OIDC knows the people of an OpenID Connect issuer by the access token that Temporal's UI
// passes on (RFC 6750). It is a JWT signed by the issuer, for this audience, that has not
// expired. Opaque access tokens are refused; there is no call per request to the issuer.
//
// It fetches the issuer's configuration and fails without it. The issuer has to be https,
// except on loopback.
func OIDC(ctx context.Context, issuer, audience string) (Auth, error) {
	return newOIDC(ctx, http.DefaultTransport, issuer, audience)
}

func newOIDC(ctx context.Context, way http.RoundTripper, issuer, audience string) (Auth, error) {
	if audience == "" {
		return nil, errors.New("an audience is required: otherwise every access token of the issuer is valid")
	}
	provider, err := oidc.NewProvider(through(ctx, encrypted{way}), issuer)
	if err != nil {
		return nil, fmt.Errorf("configuration of the issuer %s: %w", issuer, err)
	}
	keys := &source{next: encrypted{way}}
	return &oidcAuth{provider.VerifierContext(through(ctx, keys), &oidc.Config{ClientID: audience}), keys}, nil
}

// through hands the HTTP transport to the library.
func through(ctx context.Context, way http.RoundTripper) context.Context {
	return oidc.ClientContext(ctx, &http.Client{
		Transport: way, Timeout: fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the issuer redirects") },
	})
}

// encrypted goes by https, or stays on this machine.
type encrypted struct{ next http.RoundTripper }

// RoundTrip sends a request.
func (e encrypted) RoundTrip(r *http.Request) (*http.Response, error) {
	if !loopback.Sealed(r.URL) {
		return nil, errors.New("the issuer must be reached by https")
	}
	return e.next.RoundTrip(r)
}

type oidcAuth struct {
	verifier *oidc.IDTokenVerifier
	keys     *source
}

// oidcAuth names a person by the subject, which the issuer never gives to another.
func (o *oidcAuth) Who(r *http.Request) (string, error) {
	jwt, ok := bearer.Of(r)
	if !ok || len(jwt) > maxJWT {
		return "", ErrUnknown
	}
	claims, err := o.verifier.Verify(r.Context(), jwt)
	_, expired := errors.AsType[*oidc.TokenExpiredError](err)
	switch {
	case err == nil && claims.Subject != "" && len(claims.Subject) <= maxWho:
		return claims.Subject, nil
	case err != nil && !expired && o.keys.isDown():
		return "", ErrUnavailable
	}
	return "", ErrUnknown // the library's error quotes the access token
}

// source is the source of the issuer's keys. The library calls it whenever none of the known
// ones fits.
type source struct {
	next http.RoundTripper

	mu       sync.Mutex
	answered time.Time
	down     bool
}

// RoundTrip sends the request, unless there was an answer just now.
func (s *source) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.isFresh() {
		return nil, errors.New("the issuer's keys are fresh")
	}
	answer, err := s.next.RoundTrip(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err != nil || answer.StatusCode != http.StatusOK
	if !s.down {
		s.answered = time.Now()
	}
	return answer, err
}

func (s *source) isFresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.answered) < fetchPause
}

// isDown reports that the keys could not be had the last time.
func (s *source) isDown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}
