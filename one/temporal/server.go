package temporal

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"

	"github.com/rs/zerolog"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/rpc/encryption"
	"go.temporal.io/server/temporal"
)

// Options say where a server keeps its data and where it listens. The zero value
// is a server in memory on a free port.
type Options struct {
	// File is the SQLite file that holds every run; it is created when missing.
	// Empty keeps all in memory. One process at a time may use a file, and it
	// keeps it until it ends: the server's SQLite pool never closes a file.
	File string
	// Database is the URL of a PostgreSQL database that holds every run, in place of File. A
	// second one, with "_visibility" after its name, holds the list of runs. Both are created
	// when missing and the user may. One process at a time may use them, and no error or log
	// line has the password.
	Database string
	// Password is that of the database's user; empty leaves it to the URL and to PostgreSQL's own
	// variables and files.
	Password string
	// Identity makes every connection to the server one by TLS that both sides prove; nil leaves
	// all in clear, for every user of the machine.
	Identity *Identity
	// Addr is the address of the frontend, host:port; the host is a loopback
	// address and port 0 picks a free one. Empty means 127.0.0.1:0.
	Addr string
	// Namespace is registered when missing. Empty means "default".
	Namespace string
	// SearchAttributes are registered together with the namespace. A namespace
	// that exists already keeps those it has.
	SearchAttributes map[string]enumspb.IndexedValueType
	// Log receives the server's warnings and errors; nil drops them.
	Log *zerolog.Logger
}

// Server is a running Temporal server.
type Server struct {
	server temporal.Server
	ports  ports
	file   string // of SQLite, or ""
	client *tls.Config
	stores *stores
	log    logger
	stop   sync.Once
}

// Start starts a server and returns when it answers calls; ctx bounds only that
// wait. An address that is in use is an error that names it.
func Start(ctx context.Context, o Options) (*Server, error) {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	o.Namespace = cmp.Or(o.Namespace, client.DefaultNamespace)
	ports, err := reserve(o.Addr)
	if err != nil {
		return nil, err
	}
	stores, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Server{ports: ports, file: o.File, client: o.Identity.Client(), stores: stores, log: newLogger(o.Log)}
	if s.server, err = temporal.NewServer(
		temporal.WithConfig(configuration(ports, stores)),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(ports.hosts()),
		temporal.WithDynamicConfigClient(settings()),
		temporal.WithTLSConfigFactory(&encryption.FixedTLSConfigProvider{
			InternodeServerConfig: o.Identity.server(), InternodeClientConfig: o.Identity.Client(),
			FrontendServerConfig: o.Identity.server(), FrontendClientConfig: o.Identity.Client(),
		}),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
		temporal.WithLogger(s.log),
	); err != nil {
		return nil, errors.Join(fmt.Errorf("temporal server: %w", err), stores.close())
	}
	if err := s.server.Start(); err != nil {
		s.Stop()
		return nil, fmt.Errorf("start temporal server: %w", err)
	}
	if err := s.ready(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("wait for temporal server: %w", err)
	}
	s.log.pass(zerolog.WarnLevel)
	return s, nil
}

// Addr is the address of the frontend, host:port, for a client of the SDK.
func (s *Server) Addr() string { return s.ports.frontend.String() }

// Stop stops every service and waits for it: nothing listens afterwards, and a
// file may be started again. Calling it again does nothing.
func (s *Server) Stop() {
	s.stop.Do(func() {
		// Services that stop one after the other miss each other and say so.
		s.log.pass(zerolog.Disabled)
		if err := errors.Join(s.server.Stop(), s.stores.close()); err != nil {
			s.log.zero.Error().Err(err).Msg("temporal server did not stop cleanly")
		}
	})
}

// ready returns when the frontend answers: a dial requests its capabilities.
func (s *Server) ready(ctx context.Context) error {
	c, err := client.DialContext(ctx, client.Options{
		HostPort: s.Addr(), Logger: sdklog.NewStructuredLogger(silent), ConnectionOptions: client.ConnectionOptions{TLS: s.client},
	})
	if err != nil {
		return err
	}
	c.Close()
	return nil
}
