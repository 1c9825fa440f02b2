package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/keys"
	"github.com/rekeyhq/rekey/web"
)

// front lets operators to Temporal's UI and to the codec server, and nobody else: every user of
// the machine reaches its addresses, and the UI ends runs.
type front struct {
	ways      []codecserver.Auth
	ui, codec http.Handler
	log       zerolog.Logger
}

// codecPath is where the codec server is.
const codecPath = "/codec"

// ServeHTTP implements [http.Handler].
func (f front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, codecPath+"/") { // it asks by itself
		http.StripPrefix(codecPath, f.codec).ServeHTTP(w, r)
		return
	}
	switch who, err := codecserver.Sender(f.ways, r); {
	case errors.Is(err, codecserver.ErrUnknown):
		w.Header().Set("WWW-Authenticate", `Basic realm="rekey", charset="UTF-8"`)
		http.Error(w, "Your name, and the operators' secret as the password.", http.StatusUnauthorized)
	case err != nil:
		http.Error(w, "Your identity cannot be checked now. Try again later.", http.StatusServiceUnavailable)
	default:
		if r.Method != http.MethodGet {
			f.log.Info().Str("who", who).Str("method", r.Method).Str("path", r.URL.Path).Msg("operator in Temporal's UI")
		}
		// A browser adds it to requests of other pages too. The UI takes a request that has it for
		// one of a program, and asks it for no token.
		r.Header.Del("Authorization")
		f.ui.ServeHTTP(w, r)
	}
}

// pages are what operators use in browsers.
func (o *oneRunCmd) pages(p *process, t Temporal, ways []codecserver.Auth) (http.Handler, error) {
	payloads, err := keys.Open(o.keys()).Payload()
	if err != nil {
		return nil, err
	}
	codec, err := codecserver.New(codecserver.Config{Decoder: payloads, Origin: o.origin(), Auth: ways, Cookies: o.ProxyFile != "", Log: p.log})
	if err != nil {
		return nil, err
	}
	ui, err := o.embedded.UI(UIOptions{
		Temporal: t.Addr(), PEM: t.PEM(), Codec: o.origin() + codecPath, Sealed: strings.HasPrefix(o.origin(), "https:"),
	})
	return front{ways, ui, codec, p.log}, err
}

// servePages serves them until ctx ends.
func (o *oneRunCmd) servePages(ctx context.Context, p *process, listener net.Listener, pages http.Handler) error {
	p.log.Info().Stringer("addr", listener.Addr()).Str("origin", o.origin()).Msg("Temporal's UI and codec server listen")
	return web.Serve(ctx, listener, pages, p.log)
}
