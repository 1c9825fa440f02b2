package mail

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/rekeyhq/rekey/internal/loopback"
)

// OAuth is the source of an access token for the login (RFC 6749). It is the client's own
// credentials (section 4.4), or a refresh token (section 6) that an administrator got.
type OAuth struct {
	TokenURL     string // of the token endpoint; https, but on loopback
	ClientID     string
	ClientSecret string
	Scope        string // several with a space between
	RefreshToken string // empty for the client's own credentials
}

const (
	// tokenWait is how long a token endpoint may take.
	tokenWait = 20 * time.Second
	// noToken is a token endpoint that answers something else.
	noToken = "the token endpoint gives no access token"
)

// tokens fetches access tokens and keeps one until it expires. It is safe for concurrent use.
type tokens struct {
	fetch  func(ctx context.Context, refresh string) (*oauth2.Token, error)
	client *http.Client
	turn   chan struct{} // held to read or change the fields below
	token  *oauth2.Token
	// refresh is the newest refresh token: an endpoint may give another with each answer.
	refresh string
}

func newTokens(c *OAuth) (*tokens, error) {
	u, err := url.Parse(c.TokenURL)
	if err != nil || u.Host == "" || u.User != nil || !loopback.Sealed(u) {
		return nil, errors.New("token endpoint of the mail server: want an https URL")
	}
	if c.ClientID == "" || c.ClientSecret == "" && c.RefreshToken == "" {
		return nil, errors.New("access to the mail server: want a client ID, and a client secret or a refresh token")
	}
	return &tokens{fetch: c.fetch, refresh: c.RefreshToken, turn: make(chan struct{}, 1), client: &http.Client{
		Timeout:       tokenWait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // credentials go to no other host
	}}, nil
}

// fetch calls the token endpoint.
func (c *OAuth) fetch(ctx context.Context, refresh string) (*oauth2.Token, error) {
	if refresh == "" {
		own := clientcredentials.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, TokenURL: c.TokenURL, Scopes: strings.Fields(c.Scope)}
		return own.Token(ctx)
	}
	lent := oauth2.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, Endpoint: oauth2.Endpoint{TokenURL: c.TokenURL}}
	return lent.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh}).Token()
}

// get is an access token. Its error is an [*Error] and quotes nothing.
func (t *tokens) get(ctx context.Context) (string, error) {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", failed(stepToken, nil, "the token endpoint does not answer")
	}
	if t.token.Valid() {
		return t.token.AccessToken, nil
	}
	token, err := t.fetch(context.WithValue(ctx, oauth2.HTTPClient, t.client), t.refresh)
	if err != nil {
		return "", failed(stepToken, nil, refusal(err))
	}
	if !bearer.MatchString(token.AccessToken) || token.Type() != "Bearer" {
		return "", failed(stepToken, nil, noToken)
	}
	t.token = token
	if t.refresh != "" && token.RefreshToken != "" {
		t.refresh = token.RefreshToken
	}
	return token.AccessToken, nil
}

// bearer is the form of an access token (RFC 6750 section 2.1). XOAUTH2 separates fields by
// a control character, so a token may hold none.
var bearer = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// forget gives an access token up that a mail server refuses.
func (t *tokens) forget(token string) {
	t.turn <- struct{}{}
	defer func() { <-t.turn }()
	if t.token != nil && t.token.AccessToken == token {
		t.token = nil
	}
}

// refusal is the reason why there is no token, in words of RFC 6749 section 5.2 or rekey's
// own.
func refusal(err error) string {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok && errors.As(err, new(*url.Error)):
		return "the token endpoint does not answer"
	case !ok:
		return noToken
	case slices.Contains([]string{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	}, answer.ErrorCode):
		return "the token endpoint refuses: " + answer.ErrorCode
	default:
		return "the token endpoint refuses"
	}
}
