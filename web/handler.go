package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/starter"
)

// Config is what the routes and pages need to know. BaseURL, Product and
// Support are required.
type Config struct {
	// BaseURL is where browsers reach this handler, as in the mailed links, for
	// example https://id.example.com. A path in it is one that a proxy in front
	// takes off again: the pages put it before their links, the routes do not have it.
	BaseURL string
	// LoginURL is where a page sends the user after the change: a URL, or a path
	// on the same host. Empty means that no sign-in button is shown.
	LoginURL string
	// Product is the name that the user knows the service by.
	Product string
	// Support is whom the user asks for help: a mail address, a URL, or plain text.
	Support string
	// MinLength is the password policy's least number of characters. It is only
	// told here, never judged; zero tells nothing.
	MinLength int
	// ChangePasswordURL is the page on which a user who is signed in changes the password;
	// /.well-known/change-password leads there; see [CheckChangePasswordURL]. Empty leads to
	// the page that asks for a mail.
	ChangePasswordURL string
	// NoHSTS leaves Strict-Transport-Security out, which all answers have while BaseURL is
	// https: for a host application that sets a header of its own.
	NoHSTS bool
	// Enabled is the feature flag user:reset-password. When it is false no reset
	// starts and no password changes; a reset can still be canceled.
	Enabled bool
	// ClientLimit is how many POST requests a client may make per minute; zero
	// means any number. See limiter for what counts as one client.
	ClientLimit int
	// TrustedProxies are the networks of the proxies in front, whose
	// X-Forwarded-For is believed. None means that the peer is the client.
	TrustedProxies []netip.Prefix
	// Challenge lets people pass while nobody else may start a reset; nil is the one that a
	// [starter.Client] has built in, a proof of work that our page solves.
	Challenge Challenge
	// Metrics counts failed requests by the code of the answer, rekey_request_failures
	// (so also what a limit refused), and how long each request took,
	// http.server.request.duration; nil counts nothing.
	Metrics client.MetricsHandler
	// Traces makes a span for each request, which the spans of a [starter.Client] join that has a
	// tracing interceptor among its Temporal options; nil is OpenTelemetry's global one,
	// which makes none unless it is set. A sender's trace goes on when the sender is one of
	// TrustedProxies.
	Traces trace.TracerProvider
	// Log gets a line per request: the route's pattern, never the path.
	Log zerolog.Logger
}

// handler serves all routes. Its fields are never changed after NewHandler.
type handler struct {
	resets  starter.Resets
	site    site
	enabled bool
	strict  bool   // answers say Strict-Transport-Security
	change  string // where /.well-known/change-password leads
	pages   pages
	assets  map[string]asset
	posts   limiter
	reads   limiter
	proxies []netip.Prefix
	same    *sameClient
	log     zerolog.Logger
	forgery *http.CrossOriginProtection

	challenge Challenge
	proof     *starter.Proof // nil when the host application has its own challenge
	metrics   client.MetricsHandler
	tracer    trace.Tracer
}

// NewHandler returns the routes and pages of a password reset. An error names
// every bad field of cfg. The handler may be mounted under a host application's
// own mux; it uses /account/, /api/v1/settings, /openapi.yaml and
// /.well-known/change-password.
func NewHandler(resets starter.Resets, cfg Config) (http.Handler, error) {
	base, err := cfg.check()
	if err != nil {
		return nil, err
	}
	h := &handler{
		resets:  resets,
		site:    newSite(base, cfg),
		enabled: cfg.Enabled,
		strict:  base.Scheme == "https" && !cfg.NoHSTS,
		change:  cmp.Or(cfg.ChangePasswordURL, base.Path+"/account/forgot-password"),
		posts:   newLimiter(cfg.ClientLimit),
		reads:   newLimiter(readsPerPost * cfg.ClientLimit),
		proxies: cfg.TrustedProxies,
		same:    &sameClient{log: cfg.Log, proxies: cfg.TrustedProxies},
		log:     cfg.Log,
		forgery: http.NewCrossOriginProtection(),

		challenge: cmp.Or[Challenge](cfg.Challenge, noChallenge{}),
		metrics:   cmp.Or[client.MetricsHandler](cfg.Metrics, client.MetricsNopHandler),
		tracer:    cfg.tracer(),
	}
	if p := resets.Proof(); p != nil && cfg.Challenge == nil {
		h.challenge, h.proof = p, p
	}
	announce(h.metrics)
	// Behind a proxy that rewrites Host, an old browser that sends no
	// Sec-Fetch-Site is known by the origin it was given.
	if err := h.forgery.AddTrustedOrigin(base.Scheme + "://" + base.Host); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	h.forgery.SetDenyHandler(h.failing(errCrossOrigin))
	if h.pages, err = loadPages(); err != nil {
		return nil, err
	}
	if h.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	return h.logged(h.secured(h.spelled(h.mux()))), nil
}

// check returns the base URL, or all that is wrong with the configuration.
func (c Config) check() (*url.URL, error) {
	text, err := link.Base(c.BaseURL) // as browsers name it in Origin
	base, parseErr := url.Parse(text)
	err = errors.Join(err, parseErr)
	if !isWebOrPath(c.LoginURL) {
		err = errors.Join(err, errors.New("login URL: want http(s)://host/... or a path"))
	}
	if c.ChangePasswordURL != "" {
		if wrong := CheckChangePasswordURL(c.ChangePasswordURL, c.BaseURL); wrong != nil {
			err = errors.Join(err, fmt.Errorf("change password URL: %w", wrong))
		}
	}
	if c.Product == "" {
		err = errors.Join(err, errors.New("product: no name is set"))
	}
	if c.Support == "" {
		err = errors.Join(err, errors.New("support: no contact is set"))
	}
	if c.ClientLimit < 0 {
		err = errors.Join(err, errors.New("client limit: want 0 or more requests per minute"))
	}
	return base, err
}

// isWebOrPath keeps javascript: and the like out of the sign-in button, and //host/..., which
// looks like a path.
func isWebOrPath(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Opaque == "" && (u.Scheme == "" && u.Host == "" || isWeb(u))
}

// isWeb reports whether u is an absolute http or https URL.
func isWeb(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// Challenge tells a person from a program: a CAPTCHA or a proof of work that the host
// application shows on its page. It is asked only while more resets are requested than
// [starter.Config.StartLimit] lets through, and whoever passes is served all the same.
type Challenge interface {
	// Passed reports whether a solution, the member "challenge" of the request, is
	// good. It bounds its own time and may be called concurrently.
	Passed(ctx context.Context, solution string, client netip.Addr) bool
}

// noChallenge lets nobody pass.
type noChallenge struct{}

func (noChallenge) Passed(context.Context, string, netip.Addr) bool { return false }
