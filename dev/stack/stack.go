// Package stack puts the whole product together in one process. It has the Temporal server with
// its UI, an inbox, the worker, the starter and the demo application. The development program
// runs it, and the end-to-end tests do.
package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/rekeyhq/rekey/account"
	"github.com/rekeyhq/rekey/account/bolt"
	"github.com/rekeyhq/rekey/activities"
	"github.com/rekeyhq/rekey/dev/inbox"
	"github.com/rekeyhq/rekey/flow"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/one/temporal"
	"github.com/rekeyhq/rekey/password"
	"github.com/rekeyhq/rekey/starter"
	"github.com/rekeyhq/rekey/web"
)

// Product is the demo application's name in pages and mails.
const Product = "Harbor"

// Config is the addresses and the data of the stack. Port 0 takes a free one.
type Config struct {
	Listen   string // demo application and starter
	Temporal string // Temporal's frontend
	UI       string // Temporal UI; empty runs none
	Codec    string // codec server of the UI, on loopback; empty leaves payloads encrypted there
	Inbox    string // web page and API of the inbox
	SMTP     string // where the inbox takes mails
	// Data is the folder that everything is kept in, which must exist. With Memory,
	// Temporal keeps its runs in memory and only the rest is there.
	Data   string
	Memory bool
	// TemporalDB is the URL of the PostgreSQL database that Temporal keeps its runs in;
	// empty leaves them in Data, or in memory.
	TemporalDB string

	ClientLimit    int            // requests per minute and client address, 0 for no limit
	TrustedProxies []netip.Prefix // senders of a trusted X-Forwarded-For
	StartLimit     int            // resets started per second, 0 for no limit
	ResetPassword  bool           // the feature flag user:reset-password

	LinkLife time.Duration   // 0 means the starter's default
	CoolDown time.Duration   // 0 means the starter's default
	Hashing  password.Params // zero means the default; tests take cheaper ones
	Hashes   int             // passwords hashed at once, 0 for one per core
	// Smarthost replaces the inbox as the mail server, for tests of broken ones.
	Smarthost   string
	MailTimeout time.Duration // of one conversation with it; 0 means the default
	MailRate    float64       // mails a second, 0 for no limit
	MailUser    string        // logs in there, with any password; empty for no login
	// Receiver is an application that is told events; nil for none.
	Receiver account.Receiver
	// Flows are flows of one's own, and Pages adds theirs to the demo application; nil adds none.
	Flows []activities.Flow
	Pages func(*http.ServeMux, *starter.Client)

	// Client are more settings of the Temporal clients, such as their names.
	Client client.Options
	// Traces makes the spans of requests; nil makes none. An interceptor in Client makes
	// Temporal's.
	Traces trace.TracerProvider

	// Now is the clock of starter and worker; nil means time.Now. Temporal has its own.
	Now func() time.Time

	// Seed makes the accounts that must be there before the first request; nil makes none.
	Seed func(context.Context, *bolt.Store) error

	Log      zerolog.Logger
	Progress func(string) // gets the name of each part that starts
}

// Stack is everything, running.
type Stack struct {
	Config
	URL      string // of the demo application and the starter
	Server   *temporal.Server
	UIURL    string
	CodecURL string
	Mail     *inbox.Inbox
	Store    *bolt.Store
	Starter  *starter.Client
	Keys     keys.Dir
	// KeysLost reports that Data was in use and had no keysets any more, so that others were
	// made. Ended is how many unreadable open runs were ended.
	KeysLost bool
	Ended    int

	policy  password.Policy
	budget  *password.Budget
	ctx     context.Context
	closers []func() error // in the order of starting
	broken  chan error
	worker  process

	listener net.Listener // of the demo application and the starter, whose
	handler  http.Handler // requests wait there until all runs
}

// Start starts everything and returns when it all answers. Nothing is answered before the
// accounts are there and the worker works.
func Start(ctx context.Context, cfg Config) (_ *Stack, err error) {
	s := newStack(ctx, cfg)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	for _, part := range []struct {
		what  string
		start func(context.Context) error
	}{
		{"keys and accounts", s.openData},
		{"inbox", s.startInbox},
		{"Temporal server", s.startTemporal},
		{"Temporal UI", s.startUI},
		{"starter and demo application", s.startWeb},
		{"worker", s.startWorker},
	} {
		s.Progress(part.what)
		if err := part.start(ctx); err != nil {
			return nil, fmt.Errorf("start %s: %w", part.what, err)
		}
	}
	s.serve(s.listener, s.handler)
	return s, nil
}

func newStack(ctx context.Context, cfg Config) *Stack {
	s := &Stack{Config: cfg.withDefaults(), broken: make(chan error, 4), ctx: context.WithoutCancel(ctx), policy: password.DefaultPolicy()}
	s.budget = password.NewBudget(s.Hashes, 64, 10*time.Second)
	return s
}

// Broken delivers the error of a part that ended by itself.
func (s *Stack) Broken() <-chan error { return s.broken }

// Stop stops everything, the last first.
func (s *Stack) Stop() error {
	var errs []error
	errs = append(errs, s.StopWorker())
	for _, closer := range slices.Backward(s.closers) {
		errs = append(errs, closer())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *Stack) onStop(f func() error) { s.closers = append(s.closers, f) }

// TemporalOptions are the settings of a client of the server, without converters.
func (s *Stack) TemporalOptions() client.Options {
	o := s.Client
	o.HostPort, o.Namespace, o.Logger = s.Temporal, client.DefaultNamespace, sdkLog(s.Log)
	if s.Server != nil {
		o.HostPort = s.Server.Addr()
	}
	o.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{} // as `rekey` on a loopback address
	return o
}

func (s *Stack) startInbox(context.Context) error {
	var err error
	if s.Mail, err = inbox.Start(s.SMTP, s.Inbox); err != nil {
		return err
	}
	s.onStop(s.Mail.Close)
	return nil
}

func (s *Stack) startTemporal(ctx context.Context) error {
	file := filepath.Join(s.Data, temporalFile)
	if s.Memory || s.TemporalDB != "" {
		file = ""
	}
	var err error
	s.Server, err = temporal.Start(ctx, temporal.Options{
		File: file, Database: s.TemporalDB, Addr: s.Temporal, Log: &s.Log,
		SearchAttributes: map[string]enumspb.IndexedValueType{
			flow.StateAttribute.GetName(): enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		},
	})
	if err != nil {
		return err
	}
	s.onStop(func() error { s.Server.Stop(); return nil })
	return s.endUnreadable(ctx)
}

// serve answers on a listener until Stop.
func (s *Stack) serve(listener net.Listener, handler http.Handler) {
	ctx, cancel := context.WithCancel(s.ctx)
	served := make(chan error, 1)
	go func() {
		err := web.Serve(ctx, listener, handler, s.Log)
		if err != nil && ctx.Err() == nil {
			s.broken <- err
		}
		served <- err
	}()
	s.onStop(func() error { cancel(); return <-served })
}

func (c Config) withDefaults() Config {
	if c.Hashing == (password.Params{}) {
		c.Hashing = password.DefaultParams()
	}
	if c.Hashes == 0 {
		c.Hashes = runtime.GOMAXPROCS(0)
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.Seed == nil {
		c.Seed = func(context.Context, *bolt.Store) error { return nil }
	}
	return c
}
