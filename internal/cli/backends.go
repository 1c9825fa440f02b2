package cli

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rekeyhq/rekey/backend"
	"github.com/rekeyhq/rekey/internal/loopback"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/operator"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
	"github.com/rekeyhq/rekey/workflow"
)

// backendFlags are the listener for an application's own backends.
type backendFlags struct {
	BackendsListen string `name:"backends-listen" env:"REKEY_BACKENDS_LISTEN" help:"Address for your backends, which invite and force resets (docs/backends.md), on a private network: needs TLS, except on loopback. Off without it."`
	BackendsTokens string `name:"backends-token-file" type:"path" env:"REKEY_BACKENDS_TOKEN_FILE" help:"File with the bearers that backends send, one a line, each of 32 characters or more."`
	BackendsCert   string `name:"backends-tls-cert" type:"path" env:"REKEY_BACKENDS_TLS_CERT" help:"File with the certificate of that address, in PEM; read again for each connection."`
	BackendsKey    string `name:"backends-tls-key" type:"path" env:"REKEY_BACKENDS_TLS_KEY" help:"File with its key."`
	BackendsCA     string `name:"backends-client-ca" type:"path" env:"REKEY_BACKENDS_CLIENT_CA" help:"File with the authority of the backends' client certificates, in PEM. With --backends-token-file a backend needs both."`
	Campaigns      bool   `name:"backends-campaigns" env:"REKEY_BACKENDS_CAMPAIGNS" help:"Let backends force resets of many accounts, or of all. Every backend may, that is known to the listener."`
}

const backendsListen = "--backends-listen ($REKEY_BACKENDS_LISTEN)"

// check refuses a listener that admits strangers, or that others can listen to, and settings that
// would not be used.
func (b *backendFlags) check() error {
	switch {
	case b.BackendsListen == "" && (b.BackendsTokens+b.BackendsCert+b.BackendsKey+b.BackendsCA != "" || b.Campaigns):
		return errors.New(backendsListen + ": want an address such as 127.0.0.1:8082, for the other settings of backends")
	case b.BackendsListen == "":
		return nil
	case b.BackendsTokens == "" && b.BackendsCA == "": // every client could ask
		return errors.New(backendsListen + ": no authentication: set --backends-token-file ($REKEY_BACKENDS_TOKEN_FILE), --backends-client-ca ($REKEY_BACKENDS_CLIENT_CA) or both")
	case (b.BackendsCert == "") != (b.BackendsKey == ""):
		return errors.New("--backends-tls-cert ($REKEY_BACKENDS_TLS_CERT) and --backends-tls-key ($REKEY_BACKENDS_TLS_KEY): set both or none")
	case b.BackendsCert == "" && b.BackendsCA != "":
		return errors.New("--backends-client-ca ($REKEY_BACKENDS_CLIENT_CA): needs --backends-tls-cert ($REKEY_BACKENDS_TLS_CERT) and --backends-tls-key ($REKEY_BACKENDS_TLS_KEY)")
	case b.BackendsCert == "" && !loopback.Is(b.BackendsListen):
		return errors.New(backendsListen + ": without --backends-tls-cert ($REKEY_BACKENDS_TLS_CERT) want an address of this machine, such as 127.0.0.1:8082, because requests carry a bearer")
	}
	return checkListen(backendsListen, b.BackendsListen)
}

// forBackends are the flows that backends begin and end.
type forBackends struct {
	client                 *starter.Client
	inviteLife, forcedLife time.Duration
}

// by names a backend in the audit log.
func by(ctx context.Context) string { return "backend " + backend.Caller(ctx) }

func (f forBackends) invitations(life time.Duration) *starter.Client {
	return f.client.Of(workflow.Invite, cmp.Or(life, f.inviteLife))
}

// Invite implements [backend.Flows].
func (f forBackends) Invite(ctx context.Context, in backend.Invitation) error {
	return f.invitations(in.Life).Demand(ctx, in.Address, by(ctx), in.Inviter)
}

// ResendInvitation implements [backend.Flows].
func (f forBackends) ResendInvitation(ctx context.Context, address string) error {
	return f.invitations(0).Resend(ctx, address, by(ctx))
}

// CancelInvitation implements [backend.Flows].
func (f forBackends) CancelInvitation(ctx context.Context, address string) error {
	return f.invitations(0).Withdraw(ctx, address, by(ctx))
}

// ForceReset implements [backend.Flows].
func (f forBackends) ForceReset(ctx context.Context, forced backend.Forced) error {
	return f.client.Of(workflow.ForceReset, f.forcedLife).DemandOnce(ctx, forced.Address, by(ctx), forced.Reason, forced.ID)
}

// Bounced implements [backend.Flows].
func (f forBackends) Bounced(ctx context.Context, b backend.Bounce) error {
	return f.client.Bounced(ctx, b.MessageID, b.Kind)
}

// access is how backends prove themselves, with nothing for no listener.
type access struct {
	tokens backend.Tokens
	tls    *tls.Config // nil in clear
}

// access reads the files.
func (b *backendFlags) access() (a access, err error) {
	if b.BackendsTokens != "" {
		text, err := readSecret(b.BackendsTokens)
		if err == nil {
			a.tokens, err = backend.ParseTokens(text)
		}
		if err != nil {
			return a, fmt.Errorf("--backends-token-file ($REKEY_BACKENDS_TOKEN_FILE): %w", err)
		}
	}
	if b.BackendsCert != "" {
		if a.tls, err = backend.TLS(b.BackendsCert, b.BackendsKey); err != nil {
			return a, fmt.Errorf("--backends-tls-cert ($REKEY_BACKENDS_TLS_CERT), --backends-tls-key ($REKEY_BACKENDS_TLS_KEY): %w", err)
		}
	}
	if b.BackendsCA != "" {
		if err := backend.RequireClients(a.tls, b.BackendsCA); err != nil {
			return a, fmt.Errorf("--backends-client-ca ($REKEY_BACKENDS_CLIENT_CA): %w", err)
		}
	}
	return a, nil
}

// startBackends starts the part that answers backends, if there is one.
func (s *starterCmd) startBackends(p *process, op *operation, a access, client *starter.Client, all *parts) error {
	if s.BackendsListen == "" {
		return nil
	}
	many, err := s.campaigns(p, op)
	if err != nil {
		return fmt.Errorf("--backends-campaigns ($REKEY_BACKENDS_CAMPAIGNS): %w", err)
	}
	serve, err := s.listenForBackends(p, op, a, forBackends{client, s.InviteLife, s.ForcedLife}, many)
	if err != nil {
		return fmt.Errorf(backendsListen+": %w", err)
	}
	all.start("backends", edge, serve)
	return nil
}

// campaigns is nil when backends may start none.
func (s *starterCmd) campaigns(p *process, op *operation) (backend.Campaigns, error) {
	if !s.Campaigns {
		return nil, nil //nolint:nilnil // there are none
	}
	options, err := p.temporalOptions()
	if err != nil {
		return nil, err
	}
	desk, err := operator.Dial(p.ctx, operator.Config{Temporal: options, Keys: keys.Open(s.Keys), TaskQueue: p.queue})
	if err != nil {
		return nil, err
	}
	op.closers = append(op.closers, func() error { desk.Close(); return nil })
	return campaigns{desk, s.ForcedLife}, nil
}

// campaigns are those that backends start.
type campaigns struct {
	*operator.Client

	life time.Duration // of the links
}

// StartCampaign implements [backend.Campaigns].
func (c campaigns) StartCampaign(ctx context.Context, o operator.CampaignOrder) error {
	o.LinkLife = c.life
	return c.Client.StartCampaign(ctx, o)
}

// listenForBackends opens the listener, and returns the part that serves it.
func (s *starterCmd) listenForBackends(p *process, op *operation, a access, flows backend.Flows, many backend.Campaigns) (func(context.Context) error, error) {
	handler, err := backend.NewHandler(backend.Config{
		Flows: flows, Campaigns: many, Tokens: a.tokens, Certificates: s.BackendsCA != "", Metrics: op.counter(), Log: p.log,
	})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", s.BackendsListen)
	if err != nil {
		return nil, err
	}
	p.log.Info().Stringer("addr", listener.Addr()).Bool("tls", a.tls != nil).Int("tokens", len(a.tokens)).
		Bool("client_certificates", s.BackendsCA != "").Msg("starter listens to backends")
	if a.tls != nil {
		listener = tls.NewListener(listener, a.tls)
	}
	return func(ctx context.Context) error {
		return web.ServeIdle(ctx, listener, handler, p.log, s.IdleTimeout)
	}, nil
}
