package stack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
	sdklog "go.temporal.io/sdk/log"

	"github.com/rekeyhq/rekey/dev/demo"
	"github.com/rekeyhq/rekey/link"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
	"github.com/rekeyhq/rekey/workflow"
)

// support is the demo application's address for help.
const support = "support@example.com"

// startWeb makes the demo application and the starter, on one address, as a host application
// that mounts rekey's routes beside its own does.
func (s *Stack) startWeb(ctx context.Context) (err error) {
	if s.listener, err = net.Listen("tcp", s.Listen); err != nil {
		return err
	}
	s.onStop(func() error {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) { // it is, once it serves
			return err
		}
		return nil
	})
	s.URL = "http://" + s.listener.Addr().String()
	s.handler, err = s.web(ctx)
	return err
}

func (s *Stack) web(ctx context.Context) (http.Handler, error) {
	resets, err := s.Resets(ctx)
	if err != nil {
		return nil, err
	}
	mux, err := demo.New(demo.Config{
		Store: s.Store, Budget: s.budget, Policy: s.policy, ResetPassword: s.ResetPassword, Log: s.Log,
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/", resets)
	if s.Pages != nil {
		s.Pages(mux, s.Starter)
	}
	return mux, nil
}

// Resets connects the starter to Temporal and returns its routes.
func (s *Stack) Resets(ctx context.Context) (http.Handler, error) {
	var err error
	s.Starter, err = starter.Dial(ctx, starter.Config{
		Temporal: s.TemporalOptions(), Keys: s.Keys, BaseURL: s.base(), Product: Product,
		LinkLife: s.LinkLife, CoolDown: s.CoolDown, StartLimit: s.StartLimit,
		Policy: s.policy, Hashing: s.Hashing, Budget: s.budget, Now: s.Now, Log: s.Log,
	})
	if err != nil {
		return nil, err
	}
	s.onStop(func() error { s.Starter.Close(); return nil })
	return web.NewHandler(s.Starter, web.Config{
		LoginURL: "/login", Support: support,
		Invitations: s.Starter.Of(workflow.Invite, 72*time.Hour), Renewals: s.Starter.Of(workflow.ForceReset, 24*time.Hour),
		Enabled: s.ResetPassword, ClientLimit: s.ClientLimit, TrustedProxies: s.TrustedProxies, Log: s.Log,
		Metrics: s.Client.MetricsHandler, Traces: s.Traces,
	})
}

func (s *Stack) base() link.BaseURL { return link.MustParseBaseURL(s.URL) }

func sdkLog(log zerolog.Logger) sdklog.Logger {
	return sdklog.NewStructuredLogger(slog.New(zerolog.NewSlogHandler(log)))
}
