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

// call is one call of the flows, for the address and the other fields of a body.
type call func(ctx context.Context, flows Flows, address string, f body.Fields) error

// route is the call of a path. All routes are POST.
type route struct {
	call   call
	fields []string // of the body, the address first, if there is one
}

// routes are the routes by their paths. openapi.yaml describes the same set and a test compares the
// two. No code writes to it.
var routes = map[string]route{
	"/v1/invitations": {invite, []string{"address", "life", "inviter"}},
	"/v1/invitations/resend": {func(ctx context.Context, flows Flows, address string, _ body.Fields) error {
		return flows.ResendInvitation(ctx, address)
	}, []string{"address"}},
	"/v1/invitations/cancel": {func(ctx context.Context, flows Flows, address string, _ body.Fields) error {
		return flows.CancelInvitation(ctx, address)
	}, []string{"address"}},
	"/v1/forced-resets": {force, []string{"address", "reason"}},
	"/v1/bounces":       {bounce, []string{"message_id", "kind"}},
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
	forced := Forced{Address: address, Reason: f["reason"]}
	if err := forced.Check(); err != nil {
		return err
	}
	return flows.ForceReset(ctx, forced)
}

func bounce(ctx context.Context, flows Flows, _ string, f body.Fields) error {
	b := Bounce{MessageID: f["message_id"], Kind: flow.BounceKind(f["kind"])}
	if err := b.Check(); err != nil {
		return err
	}
	return flows.Bounced(ctx, b)
}

// ServeHTTP answers, and writes one line to the log. The line names a route that exists, and no
// other path: it may hold anything.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	caller, err := h.serve(w, r)
	end := resultOf(err)
	reply(w, end)
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
func (h *handler) serve(w http.ResponseWriter, r *http.Request) (caller string, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error().Bytes("stack", debug.Stack()).Msg("panic in a handler")
			err = fmt.Errorf("panic of type %T", p)
		}
	}()
	if caller, err = h.authenticate(r); err != nil {
		return "", err
	}
	route, known := routes[r.URL.Path]
	switch {
	case !known:
		return caller, errNotFound
	case r.Method != http.MethodPost:
		return caller, errMethod
	case body.MediaType(r) != body.JSON:
		return caller, body.ErrContentType
	}
	f, err := body.Read(w, r, route.fields...)
	if err != nil {
		return caller, err
	}
	address, err := route.address(f)
	if err != nil {
		return caller, err
	}
	// The whole request is here. Net/http cancels its context when the caller closes its side of
	// the connection, which may still read the answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), callTimeout)
	defer cancel()
	ctx = starter.WithClientAddr(context.WithValue(ctx, callerKey{}, caller), clientOf(r))
	return caller, route.call(ctx, h.Flows, address, f)
}

// address is that of a body, "" for a route without one.
func (r route) address(f body.Fields) (string, error) {
	if r.fields[0] != "address" {
		return "", nil
	}
	return account.ParseAddress(f["address"])
}

// clientOf is the peer of a request; the zero Addr is unknown.
func clientOf(r *http.Request) netip.Addr {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	return peer.Addr().Unmap().WithZone("")
}

func reply(w http.ResponseWriter, end result) {
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
	a := answer{Status: "error", Code: end.Code, Error: end.Text, Message: end.Text}
	if end.Status == http.StatusAccepted {
		a = answer{Status: "accepted"}
	}
	w.WriteHeader(end.Status)
	_ = json.NewEncoder(w).Encode(a) // texts always marshal, and the client may have hung up
}
