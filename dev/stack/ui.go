package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/rekeyhq/rekey/codecserver"
	"github.com/rekeyhq/rekey/one/ui"
)

// startUI serves Temporal's UI, and the codec server that its pages read payloads with. Each
// has to know where the other is, so the codec server listens first and answers last.
func (s *Stack) startUI(ctx context.Context) error {
	if s.UI == "" {
		return nil
	}
	listener, err := s.listenCodec()
	if err != nil {
		return err
	}
	options := ui.Options{Addr: s.UI, Temporal: s.Server.Addr()}
	if listener != nil {
		options.Codec = "http://" + listener.Addr().String()
	}
	page, err := ui.Start(ctx, options)
	if err != nil {
		return errors.Join(err, closed(listener))
	}
	s.UIURL, s.CodecURL = page.URL(), options.Codec
	s.onStop(func() error { page.Stop(); return nil })
	if listener == nil {
		return nil
	}
	handler, err := s.codec(listener.Addr().String())
	if err != nil {
		return errors.Join(err, closed(listener))
	}
	s.serve(listener, handler)
	return nil
}

// listenCodec listens on loopback only: its server knows a caller only by fromUI.
func (s *Stack) listenCodec() (net.Listener, error) {
	if s.Codec == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", s.Codec)
	if err != nil {
		return nil, err
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("codec server on %s: not a loopback address", s.Codec), listener.Close())
	}
	return listener, nil
}

func closed(listener net.Listener) error {
	if listener == nil {
		return nil
	}
	return listener.Close()
}

func (s *Stack) codec(host string) (http.Handler, error) {
	payloads, err := s.Keys.Payload()
	if err != nil {
		return nil, err
	}
	return codecserver.New(codecserver.Config{
		Decoder: payloads, Origin: s.UIURL, Auth: []codecserver.Auth{fromUI{s.UIURL, host}}, Log: s.Log,
	})
}

// fromUI knows the pages of this program's own Temporal UI, and no person: here is no sign-in.
// Other programs of this machine could pretend to be a page; they can also read the development
// keys. Pages of other sites cannot, not even of one that gives its own name this machine's
// address (DNS rebinding). A browser says where a page comes from.
type fromUI struct{ origin, host string }

// fromUI implements codecserver.Auth.
func (f fromUI) Who(r *http.Request) (string, error) {
	if r.Header.Get("Origin") != f.origin || r.Host != f.host {
		return "", codecserver.ErrUnknown
	}
	return "temporal-ui", nil
}
