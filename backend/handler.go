package backend

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/rs/zerolog"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/internal/body"
	"github.com/rekeyhq/rekey/starter"
)

// callTimeout bounds the calls of a request. A server that gives a request less time than this cuts
// its answer off.
const callTimeout = 25 * time.Second

// requests is the metric that counts answers by their code.
const requests = "rekey_backend_requests"

// Config is the configuration of a handler. A request proves its sender in each way that is set:
// with both, by both.
type Config struct {
	// Flows takes the accepted requests.
	Flows Flows
	// Campaigns takes those about many accounts. Nil is none: there are no such routes then.
	Campaigns Campaigns
	// Tokens are the bearers of which a request has one.
	Tokens Tokens
	// Certificates wants a client certificate that the listener has verified, see [RequireClients].
	Certificates bool
	// Metrics counts answers by their code in rekey_backend_requests: accepted, unauthorized and
	// the others of openapi.yaml. Nil counts nothing.
	Metrics client.MetricsHandler
	// Log gets a line per request, without anything of its body.
	Log zerolog.Logger
}

// handler serves all routes.
type handler struct{ Config }

// NewHandler returns the handler of all routes. It refuses a configuration that admits every
// caller. Plain HTTP is for this machine only, because a request carries its bearer.
func NewHandler(c Config) (http.Handler, error) {
	switch {
	case c.Flows == nil:
		return nil, errors.New("a listener for backends needs the flows that they begin")
	case len(c.Tokens) == 0 && !c.Certificates:
		return nil, errors.New("a listener for backends must authenticate callers")
	}
	c.Metrics = cmp.Or[client.MetricsHandler](c.Metrics, client.MetricsNopHandler)
	h := &handler{c}
	h.count(accepted, 0) // from the start, so that the first one is an increase for an alert
	for _, p := range problems {
		h.count(p, 0)
	}
	return h, nil
}

func (h *handler) count(r result, n int64) {
	h.Metrics.WithTags(map[string]string{"code": r.Code}).Counter(requests).Inc(n)
}

// call carries a request out. Its answer is nil for one that was accepted.
type call func(ctx context.Context, c Config, f body.Fields) (answer any, err error)

// route is the call of a path. All routes are POST.
type route struct {
	call      call
	fields    []string // of the body
	campaigns bool     // the route needs Config.Campaigns
	most      int64    // bytes of the body; 0 is body.Max
}

// routes are the routes by their paths. openapi.yaml describes the same set and a test compares the
// two. No code writes to it.
var routes = map[string]route{
	"/v1/invitations": {call: one(invite), fields: []string{"address", "life", "inviter"}},
	"/v1/invitations/resend": {call: one(func(ctx context.Context, flows Flows, address string, _ body.Fields) error {
		return flows.ResendInvitation(ctx, address)
	}), fields: []string{"address"}},
	"/v1/invitations/cancel": {call: one(func(ctx context.Context, flows Flows, address string, _ body.Fields) error {
		return flows.CancelInvitation(ctx, address)
	}), fields: []string{"address"}},
	"/v1/forced-resets": {call: one(force), fields: []string{"address", "reason", "id"}},
	"/v1/bounces":       {call: bounce, fields: []string{"message_id", "kind"}},

	"/v1/campaigns": {
		call: startCampaign, fields: []string{"reason", "rate", "all", "addresses", "after", "dry_run"}, campaigns: true, most: maxList,
	},
	"/v1/campaigns/status": {call: showCampaign, campaigns: true},
	"/v1/campaigns/rate":   {call: changeRate, fields: []string{"rate"}, campaigns: true},
	"/v1/campaigns/pause":  {call: command(Campaigns.PauseCampaign), campaigns: true},
	"/v1/campaigns/resume": {call: command(Campaigns.ResumeCampaign), campaigns: true},
	"/v1/campaigns/cancel": {call: command(Campaigns.CancelCampaign), campaigns: true},
}

// one is a call for the account of one address.
func one(do func(ctx context.Context, flows Flows, address string, f body.Fields) error) call {
	return func(ctx context.Context, c Config, f body.Fields) (any, error) {
		address, err := account.ParseAddress(f["address"])
		if err != nil {
			return nil, err
		}
		return nil, do(ctx, c.Flows, address, f)
	}
}

func invite(ctx context.Context, flows Flows, address string, f body.Fields) error {
	in := Invitation{Address: address, Inviter: f["inviter"]}
	if text, ok := f["life"]; ok {
		life, err := time.ParseDuration(text)
		if err != nil || life == 0 {
			return ErrLife
		}
		in.Life = life
	}
	if err := in.Check(); err != nil {
		return err
	}
	return flows.Invite(ctx, in)
}

func force(ctx context.Context, flows Flows, address string, f body.Fields) error {
	forced := Forced{Address: address, Reason: f["reason"], ID: f["id"]}
	if err := forced.Check(); err != nil {
		return err
	}
	return flows.ForceReset(ctx, forced)
}

func bounce(ctx context.Context, c Config, f body.Fields) (any, error) {
	b := Bounce{MessageID: f["message_id"], Kind: flow.BounceKind(f["kind"])}
	if err := b.Check(); err != nil {
		return nil, err
	}
	return nil, c.Flows.Bounced(ctx, b)
}

// ServeHTTP answers, and writes one line to the log. The line names a route that exists, and no
// other path: it may hold anything.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	caller, answer, err := h.serve(w, r)
	end := resultOf(err)
	reply(w, end, answer)
	h.count(end, 1)
	path := ""
	if _, ok := routes[r.URL.Path]; ok {
		path = r.URL.Path
	}
	level := zerolog.InfoLevel
	switch {
	case end.Status >= http.StatusInternalServerError:
		level = zerolog.ErrorLevel
	case end.Status == http.StatusUnauthorized:
		level = zerolog.WarnLevel
	default:
		err = nil // the code says it
	}
	h.Log.WithLevel(level).Err(err).Str("route", path).Int("status", end.Status).Str("code", end.Code).
		Str("caller", caller).Stringer("client", clientOf(r)).Dur("ms", time.Since(start)).Msg("backend request")
}

// serve carries a request out. A stranger learns nothing before the proof, not even which routes
// there are. Of a panic only the type is kept: its value may hold parts of the request.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) (caller string, answer any, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error().Bytes("stack", debug.Stack()).Msg("panic in a handler")
			err = fmt.Errorf("panic of type %T", p)
		}
	}()
	if caller, err = h.authenticate(r); err != nil {
		return "", nil, err
	}
	route, known := routes[r.URL.Path]
	switch {
	case !known || route.campaigns && h.Campaigns == nil:
		return caller, nil, errNotFound
	case r.Method != http.MethodPost:
		return caller, nil, errMethod
	case body.MediaType(r) != body.JSON:
		return caller, nil, body.ErrContentType
	}
	f, err := body.Read(w, r, cmp.Or(route.most, body.Max), route.fields...)
	if err != nil {
		return caller, nil, err
	}
	// The whole request is here. Net/http cancels its context when the caller closes its side of
	// the connection, which may still read the answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
	defer cancel()
	ctx = starter.WithClientAddr(context.WithValue(ctx, callerKey{}, caller), clientOf(r))
	answer, err = route.call(ctx, h.Config, f)
	return caller, answer, err
}

// clientOf is the peer of a request; the zero Addr is unknown.
func clientOf(r *http.Request) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	return peer.Addr().Unmap().WithZone("")
}

func reply(w http.ResponseWriter, end result, shows any) {
	head := w.Header()
	head.Set("Content-Type", body.JSON)
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	if end.Retry != "" {
		head.Set("Retry-After", end.Retry)
	}
	switch end.Status {
	case http.StatusUnauthorized: // RFC 6750, section 3
		head.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed: // RFC 9110, section 15.5.6
		head.Set("Allow", http.MethodPost)
	}
	var a any = answer{Status: "error", Code: end.Code, Error: end.Text, Message: end.Text}
	switch {
	case end.Status == http.StatusAccepted && shows != nil:
		a, end.Status = shows, http.StatusOK
	case end.Status == http.StatusAccepted:
		a = answer{Status: "accepted"}
	}
	w.WriteHeader(end.Status)
	_ = json.NewEncoder(w).Encode(a) // texts always marshal, and the client may have hung up
}
