package temporal_test

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/rekeyhq/rekey/one/temporal"
)

// reached reports whether a client reads a frame of HTTP/2, which the services speak.
func reached(t *testing.T, addr string, config *tls.Config) bool {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if config != nil {
		config = config.Clone()
		config.NextProtos = []string{"h2"}
		conn = tls.Client(conn, config)
	}
	if _, err := conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
		return false
	}
	head := make([]byte, 9)
	_, err = conn.Read(head)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%s does not answer", addr)
	}
	return err == nil && head[3] == 4 // a frame of settings (RFC 9113, section 6.5)
}

// security 27: another user of the machine reaches no service of the server.
func TestOnlyTheIdentityReachesTheServer(t *testing.T) {
	t.Parallel()
	own, err := temporal.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := temporal.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	s, err := temporal.Start(t.Context(), temporal.Options{Identity: own})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	nobody, stranger := own.Client(), other.Client()
	nobody.Certificates = nil
	stranger.RootCAs = own.Client().RootCAs
	services := s.Addrs()
	if len(services) != 4 {
		t.Errorf("services %v", services)
	}
	for name, addr := range services {
		for who, config := range map[string]*tls.Config{"in clear": nil, "without a certificate": nobody, "with another certificate": stranger} {
			if reached(t, addr, config) {
				t.Errorf("%s answers a client %s", name, who)
			}
		}
		if !reached(t, addr, own.Client()) {
			t.Errorf("%s does not answer its own client", name)
		}
	}
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: s.Addr(), Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		ConnectionOptions: client.ConnectionOptions{TLS: other.Client()},
	})
	if err == nil {
		c.Close()
		t.Error("a client takes a server for its own that has another identity")
	}
}
