// Package ui serves Temporal's own web interface against a Temporal server. A developer or an
// operator sees each run, its history and its state.
//
// Every client of it may cancel and terminate runs. [Start] listens on loopback only; a handler
// needs another one in front that knows the people who may.
package ui

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/cors"
	"github.com/temporalio/ui-server/v2/server/csrf"
	"github.com/temporalio/ui-server/v2/server/route"
	assets "github.com/temporalio/ui-server/v2/ui"
)

// Options are the addresses and the content of the interface.
type Options struct {
	// Addr is the interface's address, host:port on loopback. Empty or port 0
	// picks a free port. Handler does not read it.
	Addr string
	// Temporal is the address of the server's frontend, host:port.
	Temporal string
	// Identity is the certificate and the key, in PEM, that the interface shows the server and
	// expects of it. Empty connects in clear.
	Identity []byte
	// Namespace is the one that opens first. Empty means "default".
	Namespace string
	// Codec is the URL of a codec server, where the browser decrypts payloads. Empty shows them
	// encrypted.
	Codec string
	// Sealed means that browsers come by https, and keep the cookie for nothing else.
	Sealed bool
}

// Handler is the interface. It is composed as the server of the interface's own package does,
// which listens by itself and ends the process when it cannot. It does not need the Temporal
// server to be up. A request with the header Authorization is not asked for the token against
// requests of other pages, so a handler in front has to remove a header that browsers add.
func Handler(o Options) (http.Handler, error) {
	settings, err := config.NewConfigProviderWithRefresh(configuration(o))
	if err != nil {
		return nil, err
	}
	files, err := assets.Assets()
	if err != nil {
		return nil, err
	}
	if files, err = fs.Sub(files, "local"); err != nil {
		return nil, err
	}
	e := echo.New()
	e.Use(middleware.Recover(), middleware.Gzip())
	e.Use(cors.CORSMiddleware(cors.CORSConfig{
		AllowHeaders:   []string{echo.HeaderOrigin, echo.HeaderContentType, echo.HeaderAccept, echo.HeaderXCSRFToken, "Caller-Type"},
		ConfigProvider: settings,
	}))
	e.Use(middleware.Secure(), csrf.EnsureTokenCookie(o.Sealed), middleware.CSRFWithConfig(csrf.MiddlewareConfig(settings, o.Sealed)))
	route.SetHealthRoute(e)
	err = errors.Join(route.SetAPIRoutes(e, settings, nil), route.SetUIRoutes(e, "", files))
	route.SetRenderRoute(e, "")
	return e, err
}

// Server is a running interface.
type Server struct {
	server  *http.Server
	addr    *net.TCPAddr
	serving sync.WaitGroup
}

// headWait is how long a client may take for the head of a request.
const headWait = 10 * time.Second

// Start serves the interface until Stop; ctx bounds only the begin. An address in use is an error
// that names it.
func Start(ctx context.Context, o Options) (*Server, error) {
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("ui address %s: %w", o.Addr, err)
	}
	addr := listener.Addr().(*net.TCPAddr)
	if !addr.IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("ui address %s: not a loopback address", o.Addr), listener.Close())
	}
	handler, err := Handler(o)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s := &Server{addr: addr, server: &http.Server{Handler: handler, ReadHeaderTimeout: headWait}}
	s.serving.Go(func() { _ = s.server.Serve(listener) }) // until Stop
	return s, nil
}

// URL is the interface's address.
func (s *Server) URL() string { return "http://" + s.addr.String() }

// Stop closes the listener and all connections.
func (s *Server) Stop() {
	_ = s.server.Close() // nobody waits for an answer any more
	s.serving.Wait()
}

func configuration(o Options) *config.Config {
	identity := base64.StdEncoding.EncodeToString(o.Identity)
	c := &config.Config{
		TemporalGRPCAddress: o.Temporal,
		EnableUI:            true,
		DefaultNamespace:    cmp.Or(o.Namespace, "default"),
		Codec:               config.Codec{Endpoint: o.Codec},
		// Plain HTTP on loopback, where not every browser keeps a secure cookie.
		CORS: config.CORS{CookieInsecure: !o.Sealed},
		// It would request news of a server of Temporal's.
		DisableNewsFetch: true,
	}
	if identity != "" {
		c.TLS = config.TLS{CaData: identity, CertData: identity, KeyData: identity, EnableHostVerification: true, ServerName: "localhost"}
	}
	return c
}
