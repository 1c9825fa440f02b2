// Package ui serves Temporal's own web interface against a Temporal server. A developer sees
// each run, its history and its state next to the inbox with the mail.
//
// Every client may cancel and terminate runs: it listens on loopback only.
package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/temporalio/ui-server/v2/server"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

// Options are the addresses and the content of the interface.
type Options struct {
	// Addr is the interface's address, host:port on loopback. Empty or port 0
	// picks a free port.
	Addr string
	// Temporal is the address of the server's frontend, host:port.
	Temporal string
	// Namespace is the one that opens first. Empty means "default".
	Namespace string
	// Codec is the URL of a codec server, where the browser decrypts payloads. Empty shows them
	// encrypted.
	Codec string
}

// Server is a running interface.
type Server struct {
	server  *server.Server
	addr    *net.TCPAddr
	serving sync.WaitGroup
}

// Start serves the interface and returns when it answers. It does not need the
// Temporal server to be up. An address in use is an error that names it.
func Start(ctx context.Context, o Options) (*Server, error) {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	addr, err := free(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("ui address %s: %w", o.Addr, err)
	}
	s := &Server{addr: addr, server: server.NewServer(server_options.WithConfigProvider(configuration(o, addr)))}
	s.serving.Go(func() { _ = s.server.Start() })
	if err := s.answers(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("wait for ui: %w", err)
	}
	return s, nil
}

// URL is the interface's address.
func (s *Server) URL() string { return "http://" + s.addr.String() }

// Stop closes the listener and all connections.
func (s *Server) Stop() {
	s.server.Stop()
	s.serving.Wait()
}

func configuration(o Options, addr *net.TCPAddr) *config.Config {
	host, _, _ := net.SplitHostPort(addr.String())
	if addr.IP.To4() == nil {
		host = "[" + host + "]" // it is joined with the port as it is
	}
	return &config.Config{
		TemporalGRPCAddress: o.Temporal,
		Host:                host,
		Port:                addr.Port,
		EnableUI:            true,
		DefaultNamespace:    cmp.Or(o.Namespace, "default"),
		Codec:               config.Codec{Endpoint: o.Codec},
		// Plain HTTP on loopback, where not every browser keeps a secure cookie.
		CORS: config.CORS{CookieInsecure: true},
		// It would request news of a server of Temporal's.
		DisableNewsFetch: true,
		// One line a request on standard output otherwise.
		HideLogs: true,
	}
}

// free returns the address that listening on addr gives. The interface listens by
// itself and ends the process when it cannot, so a busy address is found here.
func free(addr string) (*net.TCPAddr, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	if a := l.Addr().(*net.TCPAddr); a.IP.IsLoopback() {
		return a, nil
	}
	return nil, errors.New("not a loopback address")
}

// answers returns when the interface answers. It has no event for the begin of listening, so it
// is polled every few milliseconds.
func (s *Server) answers(ctx context.Context) error {
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/healthz", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(r); err == nil {
			return answer.Body.Close()
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
