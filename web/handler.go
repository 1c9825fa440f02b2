// Package web is the site of rekey around a [starter.Client]. It has the routes and pages of a
// password reset, an invitation and a blocked password, the limits per client, and the request
// log.
package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/brand"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/messages"
	"github.com/rekeyhq/rekey/starter"
)

// Config has the settings of the routes and pages beside [starter.Settings]. Support is required.
type Config struct {
	// LoginURL is the target of the sign-in button after the change: a URL, or a path on the same
	// host. Empty means that no button is shown.
	LoginURL string
	// Support is the contact for help: a mail address, a URL, or plain text.
	Support string
	// Brand is the look of the pages. Nil is that of rekey.
	Brand *brand.Brand
	// Pages is a folder of templates that replace those of the pages, by file name; see
	// docs/look.md. "" replaces none.
	Pages string
	// ChangePasswordURL is the page on which a signed-in user changes the password.
	// /.well-known/change-password redirects to it; see [CheckChangePasswordURL]. Empty redirects
	// to the page that requests a mail.
	ChangePasswordURL string
	// NoHSTS leaves out Strict-Transport-Security, which all answers have while the base URL is
	// https. It is for a host application that sets a header of its own.
	NoHSTS bool
	// Enabled is the feature flag user:reset-password. When it is false no reset
	// starts and none changes a password; a reset can still be canceled.
	Enabled bool
	// Invitations serves the links of invitations to a first password, under
	// /account/accept-invitation and /account/decline-invitation. Nil means that there are no such
	// routes.
	Invitations Invitations
	// Renewals serves the links to a new password after the old one was blocked, under
	// /account/renew-password. Nil means that there are no such routes.
	Renewals Links
	// ClientLimit is how many POST requests a client may make per minute; zero
	// means any number. See limiter for the definition of a client.
	ClientLimit int
	// TrustedProxies are the networks of the proxies in front, whose
	// X-Forwarded-For is trusted. None means that the peer is the client.
	TrustedProxies []netip.Prefix
	// Challenge lets people pass while no other request may start a reset. Nil is the built-in one
	// of a [starter.Client], a proof of work that rekey's page solves.
	Challenge Challenge
	// Messages has the texts of pages and answers by language; nil is the built-in ones.
	Messages *messages.Catalogue
	// Metrics counts failed requests by the code of the answer, also refusals of a limit, in
	// rekey_request_failures. http.server.request.duration is the duration of each request. Nil
	// counts nothing.
	Metrics client.MetricsHandler
	// Traces makes a span for each request. A [starter.Client] with a tracing interceptor among
	// its Temporal options puts its spans into it. Nil is OpenTelemetry's global provider, which
	// makes no spans unless it is set. A sender's trace goes on when the sender is one of
	// TrustedProxies.
	Traces trace.TracerProvider
	// Log gets a line per request: the route's pattern, never the path.
	Log zerolog.Logger
}

// handler serves all routes. Its fields are never changed after NewHandler.
type handler struct {
	resets  starter.Resets
	base    string          // path of the base URL, without a slash at the end
	sites   map[string]site // by the tag of a language
	enabled bool
	strict  bool   // answers have Strict-Transport-Security
	change  string // target of /.well-known/change-password
	flows   []*siteFlow
	byRoute map[string]*siteFlow
	pages   pages

	messages *messages.Catalogue

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

// NewHandler returns the routes and pages of a password reset and of the flows in cfg. An error names all faults of cfg
// and of the client's settings. The handler may be mounted under a host application's own mux; it
// uses /account/, /api/v1/settings, /openapi.yaml and /.well-known/change-password. A proxy in
// front removes the path of the base URL: the pages put it before their links, the routes do not
// have it.
func NewHandler(resets starter.Resets, cfg Config) (http.Handler, error) {
	settings := resets.Settings()
	if err := cfg.check(settings); err != nil {
		return nil, err
	}
	base := settings.BaseURL.URL()
	h := &handler{
		resets:  resets,
		flows:   flows(resets, cfg),
		byRoute: map[string]*siteFlow{},
		base:    base.Path,
		sites:   sites(settings, cfg),
		enabled: cfg.Enabled,
		strict:  base.Scheme == "https" && !cfg.NoHSTS,
		change:  cmp.Or(cfg.ChangePasswordURL, base.Path+forgotPath),
		posts:   newLimiter(cfg.ClientLimit),
		reads:   newLimiter(readsPerPost * cfg.ClientLimit),
		proxies: cfg.TrustedProxies,
		same:    &sameClient{log: cfg.Log, proxies: cfg.TrustedProxies},
		log:     cfg.Log,
		forgery: http.NewCrossOriginProtection(),

		messages:  cfg.catalogue(),
		challenge: cmp.Or[Challenge](cfg.Challenge, noChallenge{}),
		metrics:   cmp.Or[client.MetricsHandler](cfg.Metrics, client.MetricsNopHandler),
		tracer:    cfg.tracer(),
	}
	if p := resets.Proof(); p != nil && cfg.Challenge == nil {
		h.challenge, h.proof = p, p
	}
	announce(h.metrics)
	// Behind a proxy that rewrites Host, an old browser without Sec-Fetch-Site is known by its
	// Origin.
	if err := h.forgery.AddTrustedOrigin(base.Scheme + "://" + base.Host); err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	h.forgery.SetDenyHandler(h.failing(errCrossOrigin))
	var pagesErr, assetsErr error
	h.pages, pagesErr = loadPages(h.flows, h.messages, cfg.Pages)
	h.assets, assetsErr = loadAssets(cfg.brand())
	if err := errors.Join(pagesErr, assetsErr); err != nil {
		return nil, err
	}
	return h.logged(h.secured(h.spelled(h.mux()))), nil
}

func (c Config) catalogue() *messages.Catalogue {
	if c.Messages == nil {
		return messages.BuiltIn()
	}
	return c.Messages
}

func (c Config) brand() *brand.Brand { return cmp.Or(c.Brand, &brand.Brand{}) }

// check returns all faults.
func (c Config) check(s starter.Settings) error {
	var wrong []error
	if s.BaseURL == (link.BaseURL{}) {
		wrong = append(wrong, errors.New("base URL: none is set"))
	}
	if err := CheckLoginURL(c.LoginURL); err != nil {
		wrong = append(wrong, fmt.Errorf("login URL: %w", err))
	}
	if c.ChangePasswordURL != "" {
		if err := CheckChangePasswordURL(c.ChangePasswordURL, s.BaseURL); err != nil {
			wrong = append(wrong, fmt.Errorf("change password URL: %w", err))
		}
	}
	if s.Product == "" {
		wrong = append(wrong, errors.New("product: no name is set"))
	}
	if c.Support == "" {
		wrong = append(wrong, errors.New("support: no contact is set"))
	}
	if c.ClientLimit < 0 {
		wrong = append(wrong, errors.New("client limit: want 0 or more requests per minute"))
	}
	return errors.Join(wrong...)
}
